import type { RecordedPiece } from './record/recording-proxy.js'

/** Beginnings of connections of other protocols, as their documents show them: none of them is a protocol of the table. */
export const otherTraffic: Readonly<Record<string, readonly RecordedPiece[]>> = {
  ssh: [
    server('SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n'),
    client('SSH-2.0-OpenSSH_9.6\r\n'),
    client(bytes('000003ac0914', 200)),
  ],
  smtp: [
    server('220 mail.example.test ESMTP Postfix\r\n'),
    client('EHLO client.example.test\r\n'),
    server('250-mail.example.test\r\n250-SIZE 10240000\r\n250 STARTTLS\r\n'),
    client('MAIL FROM:<a@example.test>\r\n'),
    server('250 2.1.0 Ok\r\n'),
  ],
  lmtp: [server('220 lmtp ready\r\n'), client('LHLO client\r\n'), server('250 OK\r\n')],
  ftp: [server('220 (vsFTPd 3.0.5)\r\n'), client('USER anonymous\r\n'), server('331 Please specify the password.\r\n')],
  pop3: [
    server('+OK Dovecot ready.\r\n'),
    client('AUTH PLAIN\r\n'),
    server('+ \r\n'),
    client('AHVzZXIAc2VjcmV0\r\n'),
    server('+OK Logged in.\r\n'),
  ],
  'pop3, short': [
    server('+OK\r\n'),
    client('STAT\r\n'),
    server('+OK 2 320\r\n'),
    client('QUIT\r\n'),
    server('+OK\r\n'),
  ],
  imap: [
    server('* OK [CAPABILITY IMAP4rev1 LOGIN-REFERRALS ID] Dovecot ready.\r\n'),
    client('a1 LOGIN user secret\r\n'),
    server('a1 OK Logged in\r\n'),
  ],
  nntp: [server('200 news.example.test ready\r\n'), client('LIST\r\n')],
  irc: [
    client('NICK someone\r\nUSER someone 0 * :Some One\r\n'),
    server('PING :irc.example.test\r\n'),
    client('PONG :irc.example.test\r\n'),
  ],
  'irc, bare ping': [client('PING\r\n'), server(':irc.example.test 409 * :No origin specified\r\n')],
  telnet: [server(bytes('fffd18fffd20fffd23fffd27')), client(bytes('fffb18fffc20')), server('login: ')],
  rtsp: [
    client('OPTIONS rtsp://camera.test/stream RTSP/1.0\r\nCSeq: 1\r\n\r\n'),
    server('RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n'),
  ],
  sip: [
    client('OPTIONS sip:carol@chicago.test SIP/2.0\r\nVia: SIP/2.0/TCP pc33.test\r\n\r\n'),
    server('SIP/2.0 200 OK\r\n'),
  ],
  vnc: [server('RFB 003.008\n'), client('RFB 003.008\n')],
  rsync: [server('@RSYNCD: 31.0 sha512 md5\n'), client('@RSYNCD: 31.0 md5\n')],
  git: [
    client('0033git-upload-pack /project.git\0host=example.test\0'),
    server('00887217a7c7e582c46cec22a130adf4b9d7d950fba0 HEAD\0'),
  ],
  stomp: [client('CONNECT\naccept-version:1.2\nhost:example.test\n\n\0'), server('CONNECTED\nversion:1.2\n\n\0')],
  beanstalkd: [
    client('put 0 0 60 5\r\nhello\r\n'),
    server('INSERTED 1\r\n'),
    client('stats\r\n'),
    server('OK 929\r\n---\ncurrent-jobs-urgent: 0\n'),
  ],
  'beanstalkd, delete': [client('delete 7\r\n'), server('BURIED\r\n')],
  statsd: [client('page.views:1|c\nrequest.time:320|ms\n')],
  graphite: [client('servers.web1.load 0.42 1700000000\n')],
  syslog: [client('<34>1 2023-10-11T22:14:15.003Z host su - ID47 - failed\n')],
  'json lines': [client('{"method":"ping"}\n'), server('{"result":"pong"}\n')],
  xmpp: [client("<?xml version='1.0'?><stream:stream to='example.test' xmlns='jabber:client'>")],
  mqtt: [client(bytes('101000044d5154540402003c000474657374')), server(bytes('20020000'))],
  zookeeper: [
    client(bytes('0000002d000000000000000000000000000075300000000000000000000000100000000000000000000000000000000000')),
    server(bytes('00000025000000000000753001000000000000000000001000000000000000000000000000000000')),
  ],
  cassandra: [
    client(bytes('0400000005000000' + '00')),
    server(bytes('8400000006000000170003000b434f4d5052455353494f4e')),
  ],
  'cassandra startup': [client(bytes('0400000101000000160001000b43514c5f56455253494f4e0005332e302e30'))],
  ldap: [client(bytes('300c020101600702010304008000')), server(bytes('300c02010161070a010004000400'))],
  kerberos: [client(bytes('000000946a819130818ea103020105a20302010aa3153013'))],
  smb: [client(bytes('0000008aff534d4272000000001801c80000000000000000'))],
  smb2: [client(bytes('000000e2fe534d42400001000000000000000000000000'))],
  nfs: [
    client(bytes('80000028000000010000000000000002000186a300000003000000000000000000000000000000000000000000000000')),
  ],
  rdp: [
    client(bytes('030000130ee000000000000100080003000000')),
    server(bytes('030000130ed000001234000200080002000000')),
  ],
  x11: [client(bytes('6c000b0000000000000000000000'))],
  tns: [client(bytes('00e30000010000000138012c0c412000ffff7f08000001000000')), server(bytes('0008000002000000'))],
  drda: [client(bytes('0058d041000100521041001c115e84'))],
  ajp: [client(bytes('12340023020200'))],
  fastcgi: [client(bytes('0101000100080000000100000000000001040001000f0100')), server(bytes('01060001001d0300'))],
  thrift: [client(bytes('0000001780010001000000047069 6e670000000000'.replace(' ', '')))],
  elasticsearch: [client(bytes('455300000035000000000000000108005f16b70000001d'))],
  bittorrent: [client(bytes('13426974546f7272656e742070726f746f636f6c0000000000100005'))],
  rtmp: [client(bytes('030000000000000000', 1528))],
  gearman: [client(bytes('0052455100000001000000047465737 4'.replace(' ', '')))],
  erlang: [client(bytes('006e0000000100000000')), client(bytes('00154e00000006df7fbd'))],
  epmd: [client(bytes('0007 7a7261626269'.replace(' ', ''))), server(bytes('770000'))],
  'proxy protocol 1': [client('PROXY TCP4 192.0.2.1 192.0.2.2 50000 80\r\n')],
  'proxy protocol 2': [client(bytes('0d0a0d0a000d0a515549540a21110 00c'.replace(' ', '')))],
  'java serialisation': [client(bytes('aced000573720011')), server(bytes('aced0005'))],
  rmi: [client(bytes('4a524d4900024b')), server(bytes('4e00093132372e302e302e31'))],
  zeros: [client(bytes('', 200)), server(bytes('', 200))],
  'one byte': [client('x'), server('y')],
  'length-prefixed': [client(bytes('00000010') + 'ABCDEFGHIJKLMNOP'), server(bytes('00000004') + 'DONE')],
  'dns over TCP': [
    client(bytes('001d abcd 0100 0001 0000 0000 0000 07 6578616d706c65 04 74657374 00 0001 0001'.replaceAll(' ', ''))),
    server(
      bytes(
        '002d abcd 8180 0001 0001 0000 0000 07 6578616d706c65 04 74657374 00 0001 0001 c00c 0001 0001 0000003c 0004 c0000201'.replaceAll(
          ' ',
          '',
        ),
      ),
    ),
  ],
  'HTTP GET': [
    client('GET /healthz HTTP/1.1\r\nHost: api.example.test\r\nUser-Agent: curl/8.0\r\n\r\n'),
    server('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'),
  ],
  'HTTP POST': [
    client('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nSET '),
    server('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n\r\n'),
  ],
  'HTTP CONNECT': [
    client('CONNECT db.example.test:5432 HTTP/1.1\r\nHost: db.example.test:5432\r\n\r\n'),
    server('HTTP/1.1 200 Connection established\r\n\r\n'),
  ],
  'HTTP 1.0': [client('HEAD / HTTP/1.0\r\n\r\n'), server('HTTP/1.0 404 Not Found\r\n\r\n')],
  'HTTP 0.9': [client('GET /\r\n'), server('<html><body>old</body></html>')],
  WebDAV: [client('PROPFIND /files HTTP/1.1\r\nHost: x\r\n\r\n'), server('HTTP/1.1 207 Multi-Status\r\n\r\n')],
  'HTTP/2': [
    client('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + bytes('00000c0400000000000003000000640004000fffff')),
    server(bytes('00001204000000000000030000008000040001000000050 0ffffff'.replace(' ', ''))),
  ],
}

function client(data: string): RecordedPiece {
  return { ms: 0, from: 'client', data }
}

function server(data: string): RecordedPiece {
  return { ms: 0, from: 'server', data }
}

/** Hexadecimal digits as one character per byte; zeros behind them up to `length`. */
function bytes(hex: string, length = 0): string {
  const data = Buffer.from(hex, 'hex')
  if (data.length * 2 !== hex.length) throw new Error(`odd hexadecimal: ${hex}`)
  return Buffer.concat([data, Buffer.alloc(Math.max(0, length - data.length))]).toString('latin1')
}
