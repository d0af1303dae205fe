-- Puts the messages of an ended turn back, to be answered again. Returns 1, or 0 when they are gone or on their way already.
-- KEYS: answered, thread, waiting, messages, ready, lanes. ARGV: thread name, ts, message JSON, …
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
for i = 2, #ARGV, 2 do
  redis.call('ZADD', KEYS[3], ARGV[i], ARGV[i])
  redis.call('HSET', KEYS[4], ARGV[i], ARGV[i + 1])
end
if (redis.call('HGET', KEYS[2], 'state') or 'idle') == 'idle' then
  enter(KEYS[6], ARGV[1])
  redis.call('HSET', KEYS[2], 'state', 'ready')
  feed(KEYS[6], KEYS[5])
end
return 1
