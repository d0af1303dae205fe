-- A token bucket that all processes share, and the line of those who wait for one. Returns, as text: spare: 1 or 0; take: seconds to wait;
-- promise, edit: 0 for yes, else the seconds until it is worth asking again; cadence: seconds between two edits of each answer when `who` is one of them.
-- KEYS: bucket, promised, line, patience, places
-- ARGV: 'spare' | 'take' | 'arrived' | 'promise' | 'release' | 'edit' | 'cadence' | 'refused', tokens a second, most tokens, most promised, who, seconds
-- The seconds are those of a promise's life, since the last edit, or of Slack's Retry-After.
local PLACE = 15 -- seconds that a place is kept after its time: long enough for a successor to take the lease
local SAVED = 4 -- seconds in which what is saved up is spent: about half an answer
local LONGEST = 2 -- told to wait longer, one would not notice that the line became shorter
local FIRST = 1e9 -- who has not written a word stands before all who have
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local size, who, seconds = tonumber(ARGV[3]), ARGV[5], tonumber(ARGV[6])
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'share', 'slot')
local tokens, at, share = tonumber(kept[1] or size), tonumber(kept[2] or now), tonumber(kept[3] or 1)
local slot = tonumber(kept[4] or 0) -- when the next edit may go, so that edits come evenly
if now > at then
  share = math.min(1, share + (now - at) / 600) -- learned down at a refusal, back within ten minutes
  tokens = math.min(size, tokens + (now - at) * ARGV[2] * share)
  at = now
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now)) do
  redis.call('ZREM', KEYS[3], gone)
  redis.call('ZREM', KEYS[4], gone)
end
local promised = redis.call('ZCARD', KEYS[2])
local left, rate = tokens - promised, ARGV[2] * share
local open = math.max(0, ARGV[4] - promised) -- so many more may be promised
local flow = rate + math.max(0, left) / SAVED
local function wait_for(count) return (count - left) / rate + at - now end
local function stand(since) -- in the line, behind those who wrote last before; how many they are
  redis.call('ZADD', KEYS[3], 'NX', string.format('%.6f', since), who)
  return redis.call('ZRANK', KEYS[3], who)
end
local function gone_from_line()
  redis.call('ZREM', KEYS[3], who)
  redis.call('ZREM', KEYS[4], who)
end
local function told(wait, before) -- with a long line before it, one need not look so often
  wait = math.min(math.max(LONGEST, before / 10), math.max(0.02, wait))
  redis.call('ZADD', KEYS[4], now + wait + 2, who)
  redis.call('EXPIRE', KEYS[3], 60)
  redis.call('EXPIRE', KEYS[4], 60)
  return wait
end
local function still(place) -- seconds until a place is reached: at once when nothing is owed, not before Slack's Retry-After is over
  local others = redis.call('ZSCORE', KEYS[2], who) and 0 or promised
  local wait = math.max(at - now, tokens < others and place - now or 0)
  if wait <= 0 then redis.call('ZREM', KEYS[5], who) end
  return math.max(0, wait)
end
local answer = 0
if ARGV[1] == 'spare' and left >= 1 then
  tokens, answer = tokens - 1, 1
elseif ARGV[1] == 'promise' then
  local mine = redis.call('ZSCORE', KEYS[2], who)
  local before = mine and 0 or stand(now - FIRST)
  if mine or math.min(left, open) >= 1 + before then
    redis.call('ZADD', KEYS[2], now + seconds, who)
    redis.call('EXPIRE', KEYS[2], 600)
    gone_from_line()
  else
    answer = told(math.max(wait_for(1 + before), open < 1 + before and LONGEST / 2 or 0), before)
  end
elseif ARGV[1] == 'release' then
  redis.call('ZREM', KEYS[2], who)
  gone_from_line()
elseif ARGV[1] == 'take' then
  redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now - PLACE)
  local place = who ~= '' and tonumber(redis.call('ZSCORE', KEYS[5], who))
  if place then -- of an asker that died while it waited: who asks again for the same has its place, so that the dead make no line longer
    answer = still(place)
  else
    tokens = tokens - 1 -- below what is promised to others, or below zero: a place in the line
    local others = redis.call('ZSCORE', KEYS[2], who) and 0 or promised
    answer = math.max(0, others - tokens) / rate + at - now
    if answer > 0 and who ~= '' then
      redis.call('ZADD', KEYS[5], string.format('%.6f', now + answer), who)
      redis.call('EXPIRE', KEYS[5], 3600)
    end
  end
elseif ARGV[1] == 'arrived' then
  answer = still(who ~= '' and tonumber(redis.call('ZSCORE', KEYS[5], who)) or now)
elseif ARGV[1] == 'edit' then
  local before = stand(now - seconds)
  local first = redis.call('ZCOUNT', KEYS[3], '-inf', now - FIRST / 2)
  before, first = before - first, math.min(first, open)
  answer = slot - now + before / flow
  if left >= 1 + first and answer <= 0 then
    tokens, slot, answer = tokens - 1, now + 1 / flow, 0
    gone_from_line()
  else
    answer = told(math.max(answer, wait_for(1 + first + before)), before)
  end
elseif ARGV[1] == 'cadence' then
  local one_more = redis.call('ZSCORE', KEYS[2], who) and 0 or 1
  answer = (math.max(promised, redis.call('ZCARD', KEYS[3])) + one_more) / flow
elseif ARGV[1] == 'refused' then
  tokens, share = math.min(tokens, 0), math.max(0.3, share * 0.85)
  at = math.max(at, now + seconds)
end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', string.format('%.6f', at), 'share', tostring(share), 'slot', string.format('%.6f', slot))
redis.call('EXPIRE', KEYS[1], 3600)
return tostring(answer)
