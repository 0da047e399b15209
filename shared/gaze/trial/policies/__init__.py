"""When to ask, for what, and when to show it: small classes, each with a name that a trial's configuration may say."""
