"""The two stores: state (SQL) and warehouse (ClickHouse), each embedded or remote."""
