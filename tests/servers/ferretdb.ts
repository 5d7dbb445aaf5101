import { existsSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDirectory } from './cache-directory.js'
import { runProgram } from './run-program.js'
import { type RunningServer, startServer } from './running-server.js'
import { findProgram, freePort, temporaryDirectory } from './surroundings.js'

const module = 'github.com/FerretDB/FerretDB'
const version = 'v1.24.0'
const install = 'a Go toolchain of 1.22 or newer (go.dev/dl), in PATH or /usr/local/go/bin'

/**
 * Builds FerretDB, which speaks MongoDB's wire protocol, from the Go module proxy, once.
 * @returns its program. @throws ServerError
 */
export async function buildFerretdb(): Promise<string> {
  const directory = await cacheDirectory(`ferretdb-${version}`)
  const program = join(directory, 'ferretdb')
  if (existsSync(program)) return program
  const go = findProgram(['/usr/local/go/bin/go', 'go'], install)
  // Its own command refuses to run unless its own build scripts made it; as a library it does not.
  await writeFile(join(directory, 'go.mod'), `module tests/ferretdb\n\ngo 1.22\n\nrequire ${module} ${version}\n`)
  await writeFile(join(directory, 'main.go'), main)
  await runProgram(go, ['build', '-mod=mod', '-o', `${program}.new`, '.'], { cwd: directory, within: 900_000 })
  await rename(`${program}.new`, program)
  return program
}

/** FerretDB on SQLite, no authentication. @throws ServerError */
export async function start(): Promise<RunningServer> {
  const program = await buildFerretdb()
  const directory = await temporaryDirectory('ferretdb', null)
  const port = await freePort()
  return startServer({
    name: 'FerretDB',
    command: program,
    args: [`127.0.0.1:${port}`, directory.path],
    port,
    cwd: directory.path,
    cleanUp: directory.remove,
  })
}

const main = `package main

import (
	"context"
	"log"
	"os"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: os.Args[1]},
		Handler:   "sqlite",
		SQLiteURL: "file:" + os.Args[2] + "/",
	})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(server.Run(context.Background()))
}
`
