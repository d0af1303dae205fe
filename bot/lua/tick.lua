-- What is due now: threads whose retry is due become ready, leases whose worker went silent are this worker's, free places are filled.
-- Returns {threads made ready, ms that the longest waiting thread has waited whose asker was not told, entry, thread, … that were taken over}.
-- KEYS: ready, delayed, lanes, untold. ARGV: worker, most entries to take over, lease in ms, 'thread key prefix'
local answer = { 0, 0 }
local claimed, start = 0, '0-0'
while claimed < tonumber(ARGV[2]) do -- one call looks at ten times the count, most of which are healthy
  local got = redis.pcall('XAUTOCLAIM', KEYS[1], GROUP, ARGV[1], ARGV[3], start, 'COUNT', ARGV[2] - claimed)
  if got.err then -- Redis has lost the stream
    redis.call('XGROUP', 'CREATE', KEYS[1], GROUP, '0', 'MKSTREAM')
    break
  end
  for _, entry in ipairs(got[2]) do
    if entry and entry[2] then -- Redis 6.2 tells of deleted ones, too
      claimed = claimed + 1
      answer[#answer + 1], answer[#answer + 2] = entry[1], entry[2][2]
    end
  end
  start = got[1]
  if start == '0-0' then break end
end
if redis.call('EXISTS', KEYS[2], KEYS[3], KEYS[4]) == 0 then return answer end -- nearly always: an idle bot costs next to nothing
local now = now_ms()
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 100)
for _, thread in ipairs(due) do
  redis.call('ZREM', KEYS[2], thread)
  redis.call('HSET', ARGV[4] .. thread, 'state', 'ready')
  enter(KEYS[3], thread, true)
end
answer[1] = #due
feed(KEYS[3], KEYS[1])
local first = redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')
if first[2] then answer[2] = now - first[2] end
return answer
