-- Ends a lease: the turn is done, dead, tried again later, or handed on. Returns 1, or 0 when the lease is lost.
-- A repeat finds its own work done (the answer was lost on the way), and that is no loss.
-- KEYS: ready, thread, waiting, messages, turn, delayed, dead, lanes, answered
-- ARGV: group, entry, epoch, thread name, 'done' | 'dead' | 'retry' | 'hand on', delay in ms, most dead entries, answered seconds, field, value, … (of the dead entry)
if redis.call('HGET', KEYS[2], 'closed') == ARGV[3] then return 1 end
if redis.call('HGET', KEYS[2], 'epoch') ~= ARGV[3] or redis.call('HGET', KEYS[2], 'entry') ~= ARGV[2] then return 0 end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
redis.call('HDEL', KEYS[2], 'entry')
redis.call('HSET', KEYS[2], 'closed', ARGV[3])
if ARGV[5] ~= 'hand on' then leave(KEYS[8], ARGV[4]) end
if ARGV[5] == 'retry' then
  local now = redis.call('TIME')
  redis.call('HINCRBY', KEYS[5], 'attempt', 1)
  local delay = redis.call('HEXISTS', KEYS[5], 'stop') == 1 and 0 or ARGV[6] -- one that was stopped meanwhile ends now
  redis.call('ZADD', KEYS[6], now[1] * 1000 + math.floor(now[2] / 1000) + delay, ARGV[4])
  redis.call('HSET', KEYS[2], 'state', 'delayed')
  feed(KEYS[8], KEYS[1])
  return 1
end
if ARGV[5] ~= 'hand on' then
  local said = {}
  for ts in string.gmatch(redis.call('HGET', KEYS[5], 'messages') or '', '%S+') do said[#said + 1] = ts end
  local texts = {}
  for _, ts in ipairs(said) do texts[#texts + 1] = redis.call('HGET', KEYS[4], ts) or nil end
  local messages = '[' .. table.concat(texts, ',') .. ']'
  if ARGV[5] == 'dead' then
    redis.call('XADD', KEYS[7], 'MAXLEN', '~', ARGV[7], '*', 'thread', ARGV[4], 'messages', messages, unpack(ARGV, 9))
  end
  if redis.call('HGET', KEYS[5], 'kind') == 'gone' then
    redis.call('DEL', KEYS[9]) -- what was deleted cannot be had again
  else
    redis.call('SET', KEYS[9], messages, 'XX', 'EX', ARGV[8]) -- with the files and words that came meanwhile
  end
  for _, ts in ipairs(said) do
    if not redis.call('ZSCORE', KEYS[3], ts) then redis.call('HDEL', KEYS[4], ts) end -- one that waits is to be answered again
  end
  redis.call('DEL', KEYS[5])
end
if ARGV[5] == 'hand on' or redis.call('ZCARD', KEYS[3]) > 0 then
  if ARGV[5] == 'hand on' then pass_on(KEYS[8], KEYS[1], ARGV[4]) else enter(KEYS[8], ARGV[4]) end
  redis.call('HSET', KEYS[2], 'state', 'ready')
else
  redis.call('HSET', KEYS[2], 'state', 'idle')
end
feed(KEYS[8], KEYS[1])
return 1
