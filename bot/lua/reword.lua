-- Gives a message of a turn that began or ended another text, for when it is answered again. Returns its author, or '' when it is too old for that.
-- KEYS: messages, answered. ARGV: ts, new text
local running, stored = redis.call('HGET', KEYS[1], ARGV[1]), redis.call('GET', KEYS[2])
if running then
  local message = cjson.decode(running)
  message.text = ARGV[2]
  redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(message)) -- an empty list of files becomes {}, which reads as none
end
local author = ''
if stored then
  local messages = cjson.decode(stored)
  for _, message in ipairs(messages) do
    if message.ts == ARGV[1] then message.text, author = ARGV[2], message.user end
  end
  redis.call('SET', KEYS[2], cjson.encode(messages), 'KEEPTTL')
end
return author
