-- Keeps a lease alive and notes fields of its turn or thread. Returns nil when it is lost, else {waiting count, first waiting ts…}.
-- KEYS: ready, thread, waiting, turn. ARGV: group, worker, entry, epoch, 'turn' | 'thread', field, value, …
if redis.call('HGET', KEYS[2], 'epoch') ~= ARGV[4] or redis.call('HGET', KEYS[2], 'entry') ~= ARGV[3] then return nil end
if #redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3], 'JUSTID') == 0 then return nil end
local key = ARGV[5] == 'thread' and KEYS[2] or KEYS[4]
for i = 6, #ARGV, 2 do redis.call('HSET', key, ARGV[i], ARGV[i + 1]) end
local answer = redis.call('ZRANGE', KEYS[3], 0, 4)
table.insert(answer, 1, redis.call('ZCARD', KEYS[3]))
return answer
