import { describe, expect, test } from 'vitest'
import { converse, inBrief, type Turn } from './converse.js'

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const head = (status: string, fields = '') => `HTTP/1.1 ${status}\r\n${fields}\r\n`
const post = (fields: string, body = '') => `POST /p HTTP/1.1\r\n${fields}\r\n${body}`

/** Conversations and what is made of them: each line as `inBrief` writes it. */
const cases: Record<string, Record<string, [turns: Turn[], lines: string[]]>> = {
  'start lines (sections 2.2, 3, 4)': {
    'empty lines before a request are skipped': [[['>', '\r\n\r\n\n' + get]], ['0 GET /']],
    'empty lines before a response are skipped': [
      [
        ['>', get],
        ['<', '\r\n' + ok],
      ],
      ['0 GET /', '0 200 to GET / ok'],
    ],
    'a line may end with LF alone': [
      [
        ['>', 'GET /lf HTTP/1.1\nHost: a\n\n'],
        ['<', 'HTTP/1.1 204 No Content\n\n'],
      ],
      ['0 GET /lf', '0 204 to GET /lf'],
    ],
    'an extension method': [[['>', 'BREW /pot HTTP/1.1\r\n\r\n']], ['0 BREW /pot']],
    'methods are case-sensitive: get is not HEAD nor GET': [[['>', 'get / HTTP/1.1\r\n\r\n']], ['0 get /']],
    'absolute, authority and asterisk form': [
      [['>', 'GET http://a/b HTTP/1.1\r\n\r\nOPTIONS * HTTP/1.1\r\n\r\nCONNECT a:443 HTTP/1.1\r\n\r\n']],
      ['0 GET http://a/b', '1 OPTIONS *', '2 CONNECT a:443'],
    ],
    'a target with raw octets outside ASCII': [[['>', 'GET /\xe4 HTTP/1.1\r\n\r\n']], ['0 GET /ä']],
    'a target in raw UTF-8': [[['>', Buffer.from('GET /ä HTTP/1.1\r\n\r\n')]], ['0 GET /ä']],
    'several spaces between the parts': [[['>', 'GET  /  HTTP/1.1\r\n\r\n']], ['0 GET /']],
    'HTTP/1.0': [
      [
        ['>', 'GET / HTTP/1.0\r\n\r\n'],
        ['<', 'HTTP/1.0 200 OK\r\n\r\nto the end'],
      ],
      ['0 GET /', '0 200 to GET / to the end'],
    ],
    'a later minor version': [[['>', 'GET / HTTP/1.7\r\n\r\n']], ['0 GET /']],
    'no reason phrase': [
      [
        ['>', get],
        ['<', 'HTTP/1.1 204 \r\n\r\n'],
      ],
      ['0 GET /', '0 204 to GET /'],
    ],
    'no space before it either': [
      [
        ['>', get],
        ['<', 'HTTP/1.1 204\r\n\r\n'],
      ],
      ['0 GET /', '0 204 to GET /'],
    ],
    'a reason phrase of any octets': [
      [
        ['>', get],
        ['<', 'HTTP/1.1 204 \xe4\x01 no\r\n\r\n'],
      ],
      ['0 GET /', '0 204 to GET /'],
    ],
    'HTTP/2 by prior knowledge is not HTTP/1': [[['>', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n']], []],
    'HTTP/0.9 is not HTTP/1': [[['>', 'GET /\r\n']], []],
    'lower-case http is not HTTP': [[['>', 'GET / http/1.1\r\n\r\n']], []],
    'no space behind the method': [[['>', 'GET:/ HTTP/1.1\r\n\r\n']], []],
    'white space before the method': [[['>', ' GET / HTTP/1.1\r\n\r\n']], []],
    'two spaces before the status': [
      [
        ['>', get],
        ['<', 'HTTP/1.1  200 OK\r\n\r\n'],
      ],
      ['0 GET /'],
    ],
    'a status of two digits': [
      [
        ['>', get],
        ['<', 'HTTP/1.1 20 OK\r\n\r\n'],
      ],
      ['0 GET /'],
    ],
    'a bare CR in the line': [[['>', 'GET / HTTP/1.1\rX\r\n\r\n']], []],
  },
  'header fields (section 5)': {
    'white space around values goes, in them stays': [
      [['>', post('Content-Length:\t 2 \t\r\n', 'ab')]],
      ['0 POST /p ab'],
    ],
    'white space before the colon of a request is malformed': [
      [['>', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n']],
      ['0 GET / Host : a\r\n\r\n [lost 0] (header section: malformed line)'],
    ],
    'of a response it is removed': [
      [
        ['>', get],
        ['<', head('200 OK', 'Content-Length : 1\r\n') + 'x'],
      ],
      ['0 GET /', '0 200 to GET / x'],
    ],
    'no name': [
      [['>', 'GET / HTTP/1.1\r\n: a\r\n\r\n']],
      ['0 GET / : a\r\n\r\n [lost 0] (header section: malformed line)'],
    ],
    'no colon': [
      [['>', 'GET / HTTP/1.1\r\nHost\r\n\r\n']],
      ['0 GET / Host\r\n\r\n [lost 0] (header section: malformed line)'],
    ],
    'white space where the first field should be': [
      [['>', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n']],
      ['0 GET /  Host: a\r\n\r\n [lost 0] (header section: malformed line)'],
    ],
    'NUL in a value': [
      [['>', 'GET / HTTP/1.1\r\nA: \0\r\n\r\n']],
      ['0 GET / A: \0\r\n\r\n [lost 0] (header section: malformed line)'],
    ],
    'after a malformed message the next is found': [
      [
        ['>', 'GET /1 HTTP/1.1\r\nbad\r\n\r\n' + get],
        ['<', ok + ok],
      ],
      [
        '0 GET /1 bad\r\n\r\n [lost 0] (header section: malformed line)',
        '1 GET /',
        '0 200 to GET /1 ok',
        '1 200 to GET / ok',
      ],
    ],
    'an obs-fold in Content-Length': [[['>', post('Content-Length:\r\n 2\r\n', 'ab')]], ['0 POST /p ab']],
  },
  'length of the body (section 6)': {
    'no field: a request has none': [[['>', post('') + get]], ['0 POST /p', '1 GET /']],
    'Content-Length': [[['>', post('content-LENGTH: 3\r\n', 'abc') + get]], ['0 POST /p abc', '1 GET /']],
    'Content-Length: 0': [[['>', post('Content-Length: 0\r\n') + get]], ['0 POST /p', '1 GET /']],
    'repeated with the same number': [
      [['>', post('Content-Length: 2\r\nContent-Length: 2\r\n', 'ab') + get]],
      ['0 POST /p ab', '1 GET /'],
    ],
    'a list of the same number': [[['>', post('Content-Length: 2, 2\r\n', 'ab') + get]], ['0 POST /p ab', '1 GET /']],
    'different numbers: where the body ends is not known': [
      [['>', post('Content-Length: 2\r\nContent-Length: 3\r\n', 'ab') + get]],
      ['0 POST /p ab [lost 0] (the length of the body is not valid)', '1 GET /'],
    ],
    'a number with a sign': [
      [['>', post('Content-Length: +2\r\n', 'ab') + get]],
      ['0 POST /p ab [lost 0] (the length of the body is not valid)', '1 GET /'],
    ],
    'a number no body has': [
      [['>', post('Content-Length: 99999999999999999999\r\n', 'ab') + get]],
      ['0 POST /p ab [lost 0] (the length of the body is not valid)', '1 GET /'],
    ],
    'Transfer-Encoding wins over Content-Length': [
      [['>', post('Content-Length: 1\r\nTransfer-Encoding: chunked\r\n', '2\r\nab\r\n0\r\n\r\n') + get]],
      ['0 POST /p ab', '1 GET /'],
    ],
    'a request whose last coding is not chunked': [
      [['>', post('Transfer-Encoding: chunked, gzip\r\n', 'xx') + get]],
      ['0 POST /p xx [lost 0] (the length of the body is not valid)', '1 GET /'],
    ],
    'a response whose last coding is not chunked ends with the connection': [
      [
        ['>', get],
        ['<', head('200 OK', 'Transfer-Encoding: x-own\r\n') + 'abc' + ok],
      ],
      ['0 GET /', `0 200 to GET / abc${ok} (x-own: content coding not supported)`],
    ],
    'a response without any ends with the connection': [
      [
        ['>', get],
        ['<', head('200 OK') + 'abc'],
        ['<', 'def'],
      ],
      ['0 GET /', '0 200 to GET / abcdef'],
    ],
    HEAD: [
      [
        ['>', 'HEAD /h HTTP/1.1\r\n\r\n' + get],
        ['<', head('200 OK', 'Content-Length: 9\r\n') + ok],
      ],
      ['0 HEAD /h', '1 GET /', '0 200 to HEAD /h', '1 200 to GET / ok'],
    ],
    '204 and 304 have none, whatever they say': [
      [
        ['>', get + get + get],
        ['<', head('204 No', 'Transfer-Encoding: chunked\r\n') + head('304 Not', 'Content-Length: 9\r\n') + ok],
      ],
      ['0 GET /', '1 GET /', '2 GET /', '0 204 to GET /', '1 304 to GET /', '2 200 to GET / ok'],
    ],
  },
  'chunked (section 7.1)': {
    'chunks, extensions and trailers': [
      [
        [
          '>',
          post(
            'Transfer-Encoding: Chunked\r\n',
            '3;a=b;c="d e"\r\nabc\r\n00A ; x\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n',
          ) + get,
        ],
      ],
      ['0 POST /p abc0123456789', '1 GET /'],
    ],
    'only the last chunk': [
      [['>', post('Transfer-Encoding: chunked\r\n', '0\r\n\r\n') + get]],
      ['0 POST /p', '1 GET /'],
    ],
    'no size': [
      [['>', post('Transfer-Encoding: chunked\r\n', '\r\nabc') + get]],
      ['0 POST /p [lost 0] (chunked: malformed chunk size or delimiter)', '1 GET /'],
    ],
    'a size that is too large': [
      [['>', post('Transfer-Encoding: chunked\r\n', 'fffffffffffffff\r\nabc') + get]],
      ['0 POST /p [lost 0] (chunked: malformed chunk size or delimiter)', '1 GET /'],
    ],
    'data longer than its size': [
      [['>', post('Transfer-Encoding: chunked\r\n', '2\r\nabc\r\n0\r\n\r\n') + get]],
      ['0 POST /p ab [lost 0] (chunked: malformed chunk size or delimiter)', '1 GET /'],
    ],
    'a malformed trailer': [
      [['>', post('Transfer-Encoding: chunked\r\n', '1\r\na\r\n0\r\nno colon\r\n\r\n') + get]],
      ['0 POST /p a (trailer section: malformed line)', '1 GET /'],
    ],
  },
  'exchanges (section 9)': {
    'keep-alive': [
      [
        ['>', get],
        ['<', ok],
        ['>', post('')],
        ['<', ok],
      ],
      ['0 GET /', '0 200 to GET / ok', '1 POST /p', '1 200 to POST /p ok'],
    ],
    pipelining: [
      [
        ['>', get + post('') + get],
        ['<', ok + head('204 No') + ok],
      ],
      ['0 GET /', '1 POST /p', '2 GET /', '0 200 to GET / ok', '1 204 to POST /p', '2 200 to GET / ok'],
    ],
    '100 Continue': [
      [
        ['>', post('Expect: 100-continue\r\nContent-Length: 2\r\n')],
        ['<', head('100 Continue')],
        ['>', 'ab'],
        ['<', ok],
        ['>', get],
        ['<', ok],
      ],
      ['0 100 to POST /p', '0 POST /p ab', '0 200 to POST /p ok', '1 GET /', '1 200 to GET / ok'],
    ],
    'several 1xx before the final response': [
      [
        ['>', get],
        ['<', head('102 P') + head('103 Early Hints', 'Link: x\r\n') + ok],
      ],
      ['0 GET /', '0 102 to GET /', '0 103 to GET /', '0 200 to GET / ok'],
    ],
    'a final response before the request is whole': [
      [
        ['>', post('Content-Length: 4\r\n', 'ab')],
        ['<', head('413 Too Large', 'Content-Length: 0\r\n')],
      ],
      ['0 413 to POST /p', '0 POST /p ab [connection_closed 2]'],
    ],
    'Upgrade: the rest is not HTTP': [
      [
        ['>', 'GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'],
        ['<', head('101 Switching Protocols') + ok],
        ['>', get],
        ['<', ok],
      ],
      ['0 GET /ws', '0 101 to GET /ws'],
    ],
    'Upgrade not taken': [
      [
        ['>', 'GET /ws HTTP/1.1\r\nUpgrade: h2c\r\n\r\n'],
        ['<', ok],
        ['>', get],
        ['<', ok],
      ],
      ['0 GET /ws', '0 200 to GET /ws ok', '1 GET /', '1 200 to GET / ok'],
    ],
    'Upgrade of a request with a body still under way': [
      [
        ['>', 'POST /ws HTTP/1.1\r\nContent-Length: 4\r\n\r\nab'],
        ['<', head('101 Switching Protocols')],
        ['>', 'cd' + get],
      ],
      ['0 101 to POST /ws', '0 POST /ws abcd'],
    ],
    'CONNECT: the rest is not HTTP': [
      [
        ['>', 'CONNECT a:443 HTTP/1.1\r\n\r\n'],
        ['<', head('200 Established', 'Content-Length: 5\r\n')],
        ['>', get],
        ['<', ok],
      ],
      ['0 CONNECT a:443', '0 200 to CONNECT a:443'],
    ],
    'a CONNECT request has no body': [
      [['>', 'CONNECT a:443 HTTP/1.1\r\nContent-Length: 2\r\n\r\n' + get]],
      ['0 CONNECT a:443', '1 GET /'],
    ],
    'CONNECT refused': [
      [
        ['>', 'CONNECT a:443 HTTP/1.1\r\n\r\n'],
        ['<', head('407 No', 'Content-Length: 2\r\n') + 'no'],
        ['>', get],
        ['<', ok],
      ],
      ['0 CONNECT a:443', '0 407 to CONNECT a:443 no', '1 GET /', '1 200 to GET / ok'],
    ],
    'a response that nobody asked for': [
      [['<', head('408 Request Timeout', 'Content-Length: 0\r\n')]],
      ['0 408 to null null'],
    ],
    'what a server sends beyond its response is skipped': [
      [
        ['>', get],
        ['<', ok + '\0\0'],
        ['>', get],
        ['<', ok],
      ],
      ['0 GET /', '0 200 to GET / ok', '1 GET /', '1 200 to GET / ok'],
    ],
  },
  'the end of the connection': {
    'in a head': [[['>', 'GET /cut HTTP/1.1\r\nHost: a\r\nAccept']], ['0 GET /cut [connection_closed 0]']],
    'in the start line of the first request: never known to be HTTP': [[['>', 'GET /cut HTT']], []],
    'in the start line of a later one': [
      [['>', get + 'GET /c']],
      ['0 GET /', '1 null null GET /c [connection_closed 0]'],
    ],
    'in a body': [
      [
        ['>', get],
        ['<', head('200 OK', 'Content-Length: 9\r\n') + 'abc'],
      ],
      ['0 GET /', '0 200 to GET / abc [connection_closed 6]'],
    ],
    'in a chunk': [
      [
        ['>', get],
        ['<', head('200 OK', 'Transfer-Encoding: chunked\r\n') + '5\r\nabc'],
      ],
      ['0 GET /', '0 200 to GET / abc [connection_closed 2]'],
    ],
    'between chunks': [
      [
        ['>', get],
        ['<', head('200 OK', 'Transfer-Encoding: chunked\r\n') + '3\r\nabc\r\n'],
      ],
      ['0 GET /', '0 200 to GET / abc [connection_closed 0]'],
    ],
  },
}

for (const [section, rows] of Object.entries(cases)) {
  describe(section, () => {
    test.each(Object.entries(rows))('%s', (_name, [turns, lines]) => {
      expect(converse(turns).map(inBrief)).toEqual(lines)
    })
    // The decision must not depend on how the bytes came.
    test.each(Object.entries(rows))('%s, octet by octet', (_name, [turns, lines]) => {
      const octets = turns.flatMap(([way, bytes]) =>
        [...Buffer.from(bytes as string, 'latin1')].map((octet): Turn => [way, Buffer.from([octet])]),
      )
      expect(converse(octets).map(inBrief)).toEqual(lines)
    })
  })
}
