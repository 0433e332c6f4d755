"""Replay: past events of a subscription are sent again, in order.

An operator starts a replay, which is a record; the scheduler processes it.

==========  =============================================================================
manage.py   select, count, start, follow and stop a replay; resend at once
worker.py   one tick's share of every open replay: a page of the journal, lane by lane
==========  =============================================================================
"""
