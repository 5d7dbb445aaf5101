import { buildGoProgram } from './go-program.js'
import { type RunningServer, startServer } from './running-server.js'
import { freePort, temporaryDirectory } from './surroundings.js'

/**
 * Builds FerretDB, which speaks MongoDB's wire protocol, from the Go module proxy, once.
 * @returns its program. @throws ServerError
 */
export function buildFerretdb(): Promise<string> {
  return buildGoProgram({
    name: 'ferretdb',
    module: 'github.com/FerretDB/FerretDB',
    version: 'v1.24.0',
    go: '1.22',
    // Its own command refuses to run unless its own build scripts made it; as a library it does not.
    files: { 'main.go': main },
  })
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
