-- Makes the threads ready whose retry is due. Returns how many. KEYS: delayed, ready. ARGV: 'thread key prefix'
local now = redis.call('TIME')
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now[1] * 1000 + math.floor(now[2] / 1000), 'LIMIT', 0, 100)
for _, name in ipairs(due) do
  redis.call('ZREM', KEYS[1], name)
  redis.call('XADD', KEYS[2], '*', 'thread', name)
  redis.call('HSET', ARGV[1] .. name, 'state', 'ready')
end
return #due
