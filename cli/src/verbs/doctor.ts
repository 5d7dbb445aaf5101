import type { Command } from 'commander'
import { addConfigFlags, configFrom } from '../config-flags.js'
import { checksText } from '../doctor/report.js'
import { paragraphs } from '../help-text.js'
import type { VerbContext } from '../program.js'

export function addDoctor(program: Command, { surroundings, exitWith }: VerbContext): void {
  const verb = program
    .command('doctor')
    .summary('say what this machine can and cannot do')
    .description(
      paragraphs(
        'Say what this kernel, these rights and this machine can and cannot do, and what to do about it. Takes the options and variables of syscribe run, so that it checks what that would meet. Changes nothing.',
        'Ends with 0 when syscribe run would work (perhaps with less: marked !), with 1 when not.',
      ),
    )
    .option('--json', 'one JSON object: {"ok": ..., "checks": [{"name", "ok", "detail", "remedy"}]}')
  addConfigFlags(verb)
  verb.action(async () => {
    const config = configFrom(verb, surroundings.env)
    const { allChecks } = await import('../doctor/checks.js')
    const { brokerChecks } = await import('../doctor/broker-check.js')
    const checks = [...(await allChecks(config)), ...(await brokerChecks(config))]
    const ok = checks.every((check) => check.ok !== false)
    const text = verb.opts().json === true ? `${JSON.stringify({ ok, checks }, null, 2)}\n` : checksText(checks)
    await surroundings.stdout.write(text)
    exitWith(ok ? 0 : 1)
  })
}
