-- Puts the messages of a turn back, to be answered again. Returns 1, or 0 when they are gone or on their way already.
-- KEYS: answered, thread, waiting, messages, turn, ready, lanes. ARGV: thread name, ts, message JSON, …
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('ZSCORE', KEYS[3], ARGV[2]) then return 0 end
local turn = redis.call('HMGET', KEYS[5], 'messages', 'kind', 'answer')
if turn[1] and string.match(turn[1], '^%S+') == ARGV[2] and turn[2] == 'again' and not turn[3] then return 0 end
put_back(KEYS[7], KEYS[6], ARGV[1], KEYS[2], KEYS[3], KEYS[4], ARGV, 2)
return 1
