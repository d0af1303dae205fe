-- Puts a dead turn's messages back where they wait. They are marked, so that the turn looks for the answer it has posted.
-- KEYS: thread, waiting, messages, ready, dead, lanes. ARGV: thread name, dead entry, ts, message JSON, …
if redis.call('XDEL', KEYS[5], ARGV[2]) == 0 then return 0 end
for i = 3, #ARGV, 2 do
  redis.call('ZADD', KEYS[2], ARGV[i], ARGV[i])
  redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1])
end
if (redis.call('HGET', KEYS[1], 'state') or 'idle') == 'idle' then
  enter(KEYS[6], ARGV[1])
  redis.call('HSET', KEYS[1], 'state', 'ready')
  feed(KEYS[6], KEYS[4])
end
return 1
