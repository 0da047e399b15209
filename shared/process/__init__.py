"""A process's life: its settings, its log, its signals, who may read what it writes, its end."""
