-- Puts a dead turn's messages back where they wait. They are marked, so that the turn looks for the answer it has posted.
-- KEYS: thread, waiting, messages, ready, dead, lanes. ARGV: thread name, dead entry, ts, message JSON, …
if redis.call('XDEL', KEYS[5], ARGV[2]) == 0 then return 0 end
put_back(KEYS[6], KEYS[4], ARGV[1], KEYS[1], KEYS[2], KEYS[3], ARGV, 3)
return 1
