# setup-sendmail.sh - sourced by postern-setup: postern behind a Sendmail
sendmail_program() { false; }
sendmail_look() { die 69 "Sendmail is put together by hand, see postern-sendmail(7)"; }
sendmail_look_remove() { sendmail_look; }
