import type { Command } from 'commander'
import { PatchbayProblem, reachable, type CheckUp } from '../../../sdk/index.ts'
import { version } from '../../core/version.ts'
import { described, Failure } from '../failure.ts'
import type { Context } from '../patchbay.ts'
import { clean, print, printJson, waiting } from '../terminal.ts'

type Finding = CheckUp['findings'][number]

const marks: Readonly<Record<Finding['outcome'], string>> = { ok: '✓', warning: '!', broken: '✗' }
const worstClockSeconds = 30

export function doctorCommand(root: Command, context: Context): void {
  root
    .command('doctor')
    .description('what works and what does not, and what to do about it (operator)')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExit code 1 when something is broken; warnings are no reason for it. Nothing is changed, and no service is called.',
    )
    .action(async (options: { json?: true }, command: Command) => {
      const done = waiting('Looking')
      const findings = await examine(context, command).finally(done)
      if (options.json) printJson({ findings })
      else for (const { subject, outcome, sentence } of findings) print(`${marks[outcome]} ${subject.padEnd(12)} ${clean(sentence)}`)
      const count = (outcome: Finding['outcome']) => findings.filter(one => one.outcome === outcome).length
      if (count('broken') > 0) throw new Failure('broken', `${count('broken')} broken, ${count('warning')} to look at.`)
    })
}

/** What can be seen from here, and what the server says of itself. Whatever cannot be asked is a finding, not an end. */
async function examine(context: Context, command: Command): Promise<Finding[]> {
  const url = context.url(command)
  const alive = await reachable(`${url}/healthz`)
  if (alive !== null) return [{ subject: 'server', outcome: 'broken', sentence: `${url} cannot be reached from here (${alive}). Is it running, and is this its address?` }] // prettier-ignore
  const ready = await reachable(`${url}/readyz`)
  const findings: Finding[] = [
    ready === null
      ? { subject: 'server', outcome: 'ok', sentence: `${url} answers and takes calls.` }
      : { subject: 'server', outcome: 'broken', sentence: `${url} answers, but takes no calls (${ready}): it is stopping, or its database is away. Its log says which.` }, // prettier-ignore
  ]
  try {
    const asked = Date.now()
    const report = await context.patchbay(command).operations.checkUp()
    return [...findings, ...(await seenFromHere(report, url, (asked + Date.now()) / 2)), ...report.findings]
  } catch (error) {
    const sentence = error instanceof PatchbayProblem && error.code === 'forbidden' ? 'The rest is for the operator: an administrator of the first organisation. Log in as one.' : described(error) // prettier-ignore
    return [...findings, { subject: 'server', outcome: 'broken', sentence }]
  }
}

async function seenFromHere({ version: theirs, now, public_url: publicUrl }: CheckUp, url: string, here: number): Promise<Finding[]> {
  const findings: Finding[] = []
  const apart = Math.abs(Date.parse(now) - here) / 1000
  if (apart > worstClockSeconds)
    findings.push({ subject: 'clock', outcome: 'warning', sentence: `The clock of this machine and the server’s are ${Math.round(apart)} s apart.` }) // prettier-ignore
  if (theirs !== version)
    findings.push({ subject: 'server', outcome: 'warning', sentence: `It is version ${theirs}, this command is ${version}.` })
  if (publicUrl !== url) {
    const refused = await reachable(`${publicUrl}/healthz`)
    findings.push(
      refused === null
        ? { subject: 'public_url', outcome: 'ok', sentence: `${publicUrl} can be reached from here.` }
        : { subject: 'public_url', outcome: 'broken', sentence: `${publicUrl} cannot be reached from here (${refused}), so browsers come back from services to nothing.` }, // prettier-ignore
    )
  }
  return findings
}
