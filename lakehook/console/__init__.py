"""Console: the operator's pages in a browser, for this machine's user alone.

=============  ==================================================================
app.py         the Flask application: its pages, its guard, its errors
access.py      who is let in: token, cookie, host, origin, forms that serve once
server.py      serves it on loopback, and opens a browser
context.py     what a page has at hand: the operations, the language, the commands
actions.py     a change: what it will do, asked once, the command for it, a new secret's page
charts.py      drawings: strips of health, lines over time, a pipeline's timeline
rendering.py   text on a page: cleaned, translated, with times that people read
pages/         one module a page
templates/     HTML, in Jinja
static/        one style sheet, one script, one icon
messages.zh.json  every sentence in Chinese, by the English one
=============  ==================================================================

It acts with its user's own AWS credentials: it can do what they allow, and opens no door in the
cloud. Its pages show the views of ``lakehook.operations``, as the command and the API do.
"""
