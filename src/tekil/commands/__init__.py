"""The commands of ``tekil``, a file for each family."""
