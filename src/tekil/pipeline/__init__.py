"""The one loop: inbox -> identity -> profiles -> events -> segments -> activate."""
