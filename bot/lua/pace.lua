-- A token bucket that all processes share. Returns, as text, 1 or 0 for spare and promise, seconds to wait for take.
-- KEYS: bucket, promised
-- ARGV: 'spare' | 'promise' | 'release' | 'take' | 'refused', tokens a second, most tokens, who, seconds of a promise's life or of Slack's Retry-After
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local size, seconds = tonumber(ARGV[3]), tonumber(ARGV[5])
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'share')
local tokens, at, share = tonumber(kept[1] or size), tonumber(kept[2] or now), tonumber(kept[3] or 1)
if now > at then
  share = math.min(1, share + (now - at) / 600) -- learned down at a refusal, back within ten minutes
  tokens = math.min(size, tokens + (now - at) * ARGV[2] * share)
  at = now
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local answer = 0
local left = tokens - redis.call('ZCARD', KEYS[2])
if ARGV[1] == 'spare' and left >= 1 then
  tokens, answer = tokens - 1, 1
elseif ARGV[1] == 'promise' and (left >= 1 or redis.call('ZSCORE', KEYS[2], ARGV[4])) then
  redis.call('ZADD', KEYS[2], now + seconds, ARGV[4])
  redis.call('EXPIRE', KEYS[2], 600)
  answer = 1
elseif ARGV[1] == 'release' then
  redis.call('ZREM', KEYS[2], ARGV[4])
elseif ARGV[1] == 'take' then
  tokens = tokens - 1 -- below zero: a place in the line
  answer = math.max(0, -tokens) / (ARGV[2] * share) + math.max(0, at - now)
elseif ARGV[1] == 'refused' then
  tokens, share = math.min(tokens, 0), math.max(0.3, share * 0.7)
  at = math.max(at, now + seconds)
end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', string.format('%.6f', at), 'share', tostring(share))
redis.call('EXPIRE', KEYS[1], 3600)
return tostring(answer)
