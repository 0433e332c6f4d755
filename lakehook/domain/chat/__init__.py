"""What happened, told to people: the channels that end where somebody reads.

===========  =====================================================================
text.py      strangers' text, cleaned and cut
story.py     what happened, as facts that were bounded and cleaned
words.py     English and Chinese
url.py       strangers' URLs
telling.py   a story in a language: what each channel then writes in its own form
channel.py   what these channels have in common
slack.py     an incoming webhook of Slack
wecom.py     a group robot of WeCom (企业微信)
email.py     a mail
===========  =====================================================================
"""
