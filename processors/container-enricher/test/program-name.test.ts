import { expect, test } from 'vitest'
import { programName } from '../src/program-name.js'

/** Command lines as `ps` shows them; `|` separates arguments where one holds a space. */
const script: [string, string][] = [
  ['python3 server.py', 'server.py'],
  ['/usr/bin/python3.11 -u /app/server.py --port 9080', 'server.py'],
  ['python -m http.server 8000', 'http.server'],
  ['python3 -um uvicorn main:app', 'uvicorn'],
  ['python3 -W ignore -X dev app.py', 'app.py'],
  ['python3 -Wignore app.py', 'app.py'],
  ['python3 -- app.py', 'app.py'],
  ['/opt/venv/bin/python /opt/venv/bin/gunicorn app:app -w 4', 'gunicorn'],
  ['python3 /srv/shop/__main__.py', 'shop'],
  ['pypy3 worker.py', 'worker.py'],
  ['node /app/http-service.js', 'http-service.js'],
  ['node --require dotenv/config --import tsx dist/main.js start', 'main.js'],
  ['node --require=dotenv/config --max-old-space-size=512 server.mjs', 'server.mjs'],
  ['/usr/local/bin/node -r ts-node/register --inspect src/index.ts', 'index.ts'],
  ['node --env-file .env --test-only app.js', 'app.js'],
  ['node inspect app.js', 'app.js'],
  ['node /app/node_modules/.bin/tsx watch src/server.ts', 'server.ts'],
  ['node /usr/bin/nodemon --ext js,json server.js', 'server.js'],
  ['node /usr/bin/npm run start', 'npm'],
  ['node /srv/shop/', 'shop'],
  ['deno run --allow-net --config deno.json server.ts', 'server.ts'],
  ['deno serve --port 80 main.ts', 'main.ts'],
  ['bun run src/index.ts', 'index.ts'],
  ['bun --preload ./a.ts server.ts', 'server.ts'],
  ['java -jar app.jar', 'app.jar'],
  ['java -Xmx1g -Dserver.port=80 -javaagent:/agent.jar -jar /opt/app.jar --spring.profile=x', 'app.jar'],
  ['java com.acme.Main', 'com.acme.Main'],
  ['/usr/lib/jvm/bin/java -cp /a.jar:/b/* -XX:+UseG1GC com.acme.Main arg', 'com.acme.Main'],
  ['java -p mods --add-modules ALL-SYSTEM -m com.acme/com.acme.Main', 'com.acme.Main'],
  ['java --module-path=mods --module com.acme', 'com.acme'],
  ['java @jvm.options Main.java', 'Main.java'],
  ['ruby -Ilib -rbundler/setup bin/server.rb', 'server.rb'],
  ['ruby -I lib -r json /app/worker.rb', 'worker.rb'],
  ['ruby /usr/local/bin/rails server -p 3000', 'rails'],
  ['perl -w -I lib /srv/app.pl', 'app.pl'],
  ['perl -MStrict app.pl', 'app.pl'],
  ['php -S 0.0.0.0:8000 -t public router.php', 'router.php'],
  ['php artisan serve', 'artisan'],
  ['php -d memory_limit=1G -f job.php', 'job.php'],
  ['/bin/sh /docker-entrypoint.sh nginx', 'docker-entrypoint.sh'],
  ['bash -eu -o pipefail run.sh', 'run.sh'],
  ['bash +x run.sh', 'run.sh'],
  ['dotnet /app/Shop.Api.dll --urls http://*:80', 'Shop.Api.dll'],
  ['dotnet exec --runtimeconfig a.json Shop.dll', 'Shop.dll'],
  ['pwsh -NoProfile -File start.ps1', 'start.ps1'],
  ['lua5.4 app.lua', 'app.lua'],
  ['busybox sh /run.sh', 'run.sh'],
]
const program: [string, string][] = [
  ['./ratings-service', 'ratings-service'],
  ['/bin/traffic-generator --rate 5', 'traffic-generator'],
  ['curl -s http://127.0.0.1:8080/', 'curl'],
  ['nginx: worker process', 'nginx'],
  ['nginx: master process nginx -g daemon off;', 'nginx'],
  ['/usr/sbin/nginx|-g|daemon off;', 'nginx'],
  ['postgres: app shop 10.0.0.7(51234) idle', 'postgres'],
  ['/usr/bin/redis-server *:6379', 'redis-server'],
  ['php-fpm: pool www', 'php-fpm'],
  ['puma 5.6.4 (tcp://0.0.0.0:3000) [shop]', 'puma'],
  ['npm run start', 'npm'],
  ['[celeryd: celery@host:MainProcess]', 'celeryd'],
  ['-bash', 'bash'],
  ['python3', 'python3'],
  ['python3 -c print(1)', 'python3'],
  ['python3 -', 'python3'],
  ['python3 -uc code', 'python3'],
  ['node -e code', 'node'],
  ['node .', 'node'],
  ['node --run start', 'node'],
  ['java -version', 'java'],
  ['sh -c exec_me', 'sh'],
  ['bash -lc cmd', 'bash'],
  ['perl -we code', 'perl'],
  ['ruby -e code', 'ruby'],
  ['php -S 0.0.0.0:8000 -t public', 'php'],
  ['busybox httpd -f', 'httpd'],
  ['/lib64/ld-linux-x86-64.so.2 --library-path /x /app/server', 'server'],
  ['pythonista --x', 'pythonista'],
  ['nodered', 'nodered'],
]

const split = (line: string): string[] =>
  line.includes('|') ? line.split('|') : isTitle.test(line) ? [line] : line.split(' ')
/** Written over the arguments by the program: one argument. */
const isTitle = /^\[?[\w-]+: |redis-server|^puma|^npm/

test.each(script)('%s runs the script %s', (line, name) => {
  expect(programName(split(line), 'comm')).toEqual({ name, kind: 'script' })
})

test.each(program)('%s is the program %s', (line, name) => {
  expect(programName(split(line), 'comm')).toEqual({ name, kind: 'program' })
})

test('without arguments the name of the task counts', () => {
  expect(programName([], 'kworker')).toEqual({ name: 'kworker', kind: 'program' })
  expect(programName([''], 'app')).toEqual({ name: 'app', kind: 'program' })
})

test('a path with spaces is told from a title by the name of the task', () => {
  expect(programName(['/opt/My App/my server'], 'my server').name).toBe('my server')
  expect(programName(['/opt/My App/server', '--port', '1'], 'server').name).toBe('server')
  expect(programName(['/opt/x y/averyverylongname'], 'averyverylongna').name).toBe('averyverylongname')
})
