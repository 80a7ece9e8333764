"""Delivery: decisions to webhooks, Slack, Feishu and mailboxes, each once in a target's queue."""
