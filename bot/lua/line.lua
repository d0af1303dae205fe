-- Threads that have waited too long without being taken, the longest first, each told only once. Returns rows of
-- {thread, place in its channel's line, ms waited, ts, author, … of the first messages that wait}.
-- KEYS: lanes, since, untold. ARGV: ms, most rows, most messages a row, 'waiting key prefix', 'messages key prefix'
local rows, now = {}, now_ms()
for _, thread in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now - ARGV[1], 'LIMIT', 0, ARGV[2])) do
  redis.call('ZREM', KEYS[3], thread)
  local lane, since = lane_of(thread), tonumber(redis.call('ZSCORE', KEYS[2], thread) or now)
  local in_line, place = redis.call('LPOS', KEYS[1] .. ':line:' .. lane, thread), 1
  for _, other in ipairs(redis.call('SMEMBERS', KEYS[1] .. ':busy:' .. lane)) do -- those that have left the line, but no worker has them
    local at = redis.call('ZSCORE', KEYS[2], other)
    if at and other ~= thread and (in_line or tonumber(at) < since) then place = place + 1 end
  end
  local row = { thread, place + (in_line or 0), now - since }
  for _, ts in ipairs(redis.call('ZRANGE', ARGV[4] .. thread, 0, ARGV[3] - 1)) do
    local readable, message = pcall(cjson.decode, redis.call('HGET', ARGV[5] .. thread, ts) or '{}')
    if not (readable and (message.kind or '') ~= '') then -- an answer that is to go, or to come again, is no message
      row[#row + 1], row[#row + 2] = ts, readable and message.user or ''
    end
  end
  if #row > 3 then rows[#rows + 1] = row end -- all of its messages may have been cancelled
end
return rows
