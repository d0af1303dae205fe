-- Ends a running answer, or withdraws what a person has waiting. Returns 'stopped', 'withdrawn', 'idle' (there was nothing to stop), 'duplicate',
-- or 'asker:' and the user whose answer it is, who alone may stop it (with the thread's starter).
-- KEYS: event, said, thread, waiting, messages, turn, delayed, stops
-- ARGV: thread name, user, ts of the wish, event seconds, said seconds, first ts of its turn, alone (0/1), final ('all' | 'theirs' | 'none'), most stops
-- The first ts may be '' (any turn is meant); alone: only a turn of one message is. Final is which refusals end it: else the wish may be an ordinary message.
if redis.call('EXISTS', KEYS[1], KEYS[2]) > 0 then return 'duplicate' end
local function heard()
  redis.call('SET', KEYS[1], '1', 'EX', ARGV[4])
  redis.call('SET', KEYS[2], '1', 'EX', ARGV[5])
end
local function idle()
  if ARGV[8] == 'all' then heard() end
  return 'idle'
end
local turn = redis.call('HMGET', KEYS[6], 'messages', 'asker', 'kind', 'of')
if turn[1] then
  local first, last = string.match(turn[1], '^%S+'), string.match(turn[1], '%S+$')
  if ARGV[6] ~= '' and first ~= ARGV[6] or ARGV[7] == '1' and first ~= last then return idle() end
  local begun = turn[3] == 'again' and turn[4] or last -- what was wished for later is not meant
  if turn[3] == 'gone' or tonumber(begun) > tonumber(ARGV[3]) then return idle() end
  if ARGV[2] ~= turn[2] and ARGV[2] ~= redis.call('HGET', KEYS[3], 'starter') then
    if ARGV[8] ~= 'none' then heard() end
    return 'asker:' .. (turn[2] or '')
  end
  heard()
  redis.call('HSET', KEYS[6], 'stop', ARGV[2])
  redis.call('ZADD', KEYS[7], 'XX', 0, ARGV[1]) -- one that waits for a retry ends now
  redis.call('XADD', KEYS[8], 'MAXLEN', '~', ARGV[9], '*', 'thread', ARGV[1], 'user', ARGV[2], 'first', first)
  return 'stopped'
end
if ARGV[6] ~= '' then return idle() end
local withdrawn = 0
for _, ts in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1)) do
  local readable, fields = pcall(cjson.decode, redis.call('HGET', KEYS[5], ts) or '{}')
  if readable and fields.user == ARGV[2] and fields.kind ~= 'gone' and tonumber(ts) < tonumber(ARGV[3]) then
    redis.call('ZREM', KEYS[4], ts)
    redis.call('HDEL', KEYS[5], ts)
    withdrawn = withdrawn + 1
  end
end
if withdrawn == 0 then return idle() end
heard()
return 'withdrawn'
