import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { posix, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { floors, importsGoDown } from './house/floors.ts'
import { onlyConfigReadsTheEnvironment, onlyEgressConnects } from './house/outside.ts'
import { servicesAreNotNamed, type NamedService } from './house/services.ts'
import {
  exceptionsHaveReasons,
  filesAreShort,
  mostLines,
  namesSayWhatIsInside,
  noAny,
  noBarrels,
  noClassesButErrors,
  noDefaultExports,
  noTestIsLeftOut,
} from './house/shape.ts'
import type { Rule } from './house/source.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

const filesBelow = (folder: string): string[] =>
  existsSync(posix.join(root, folder))
    ? readdirSync(posix.join(root, folder), { recursive: true, withFileTypes: true })
        .filter(entry => entry.isFile())
        .map(entry => relative(root, posix.join(entry.parentPath, entry.name)))
    : []

const allFiles = ['src', 'sdk', 'web', 'test', 'bench', 'scripts', 'docs'].flatMap(filesBelow)
const generated = ['sdk/schema.ts', 'web/pages/services/knobs.ts', 'web/pages/functions/editor/words.ts']
const isOurs = (path: string) => /\.[cm]?[jt]sx?$/.test(path) && !generated.includes(path)
const sources = allFiles.filter(isOurs).map(path => [path, readFileSync(posix.join(root, path), 'utf8')] as const)

const catalogue = allFiles
  .filter(path => /^src\/catalogue\/services\/[^/]+\.json$/.test(path))
  .map(path => JSON.parse(readFileSync(posix.join(root, path), 'utf8')) as NamedService)

/** A small file, and whether the rule has something to say about it. */
type Sample = readonly [path: string, source: string]

interface Checked {
  readonly says: string
  readonly rule: Rule
  readonly wrong: readonly Sample[]
  readonly right: readonly Sample[]
}

const rules: readonly Checked[] = [
  {
    says: 'imports go down only',
    rule: importsGoDown,
    wrong: [
      ['src/auth/a.ts', "import { seal } from '../vault/envelope.ts'"],
      ['src/auth/a.ts', "import type { Seal } from '../vault/envelope.ts'"],
      ['src/auth/a.ts', "import '../vault/envelope.ts'"],
      ['src/auth/a.ts', "export { seal } from '../vault/envelope.ts'"],
      ['src/auth/a.ts', "export * from '../vault/envelope.ts'"],
      ['src/auth/a.ts', "const vault = await import('../vault/envelope.ts')"],
      ['src/auth/a.ts', 'const vault = await import(`../vault/envelope.ts`)'],
      ['src/auth/a.ts', "const vault = require('../vault/envelope.ts')"],
      ['src/auth/a.ts', "import vault = require('../vault/envelope.ts')"],
      ['src/auth/a.ts', "let seal: import('../vault/envelope.ts').Seal"],
      ['src/auth/a.ts', "new Worker(new URL('../vault/envelope.ts', import.meta.url))"],
      ['src/auth/a.ts', 'await import(name)'],
      ['src/auth/a.ts', "import { createRequire } from 'node:module'"],
      ['src/auth/deeper/a.ts', "import { seal } from '../../vault/envelope.ts'"],
      ['src/auth/a.ts', "import { invoke } from '../broker/invoke.ts'"],
      ['src/broker/a.ts', "import { app } from '../http/app.ts'"],
      ['src/http/a.ts', "import { command } from '../cli/command.ts'"],
      ['src/core/a.ts', "import { readConfig } from '../config.ts'"],
      ['src/core/a.ts', "import { basic } from '../auth/basic.ts'"],
      ['src/http/a.ts', "import '../main.ts'"],
      ['src/http/a.ts', "import '../quickstart.ts'"],
      ['src/broker/a.ts', "import { client } from '../../sdk/client.ts'"],
      ['src/broker/a.ts', "import { openPeople } from '../../test/support/people.ts'"],
      ['src/broker/a.ts', "import { invoke } from 'patchbay/src/broker/invoke.ts'"],
      ['src/broker/a.ts', "import { thing } from '../somewhere/thing.ts'"],
      ['src/somewhere/thing.ts', 'export const thing = 1'],
      ['src/thing.ts', 'export const thing = 1'],
      ['src/config.ts', "import { createEgress } from './egress/send.ts'"],
      ['sdk/client.ts', "import type { Problem } from '../src/core/problem.ts'"],
      ['sdk/client.ts', "import { z } from 'zod'"],
      ['sdk/client.ts', "import { readFileSync } from 'node:fs'"],
      ['web/a.tsx', "import { Problem } from '../src/core/problem.ts'"],
      ['web/pages/a.tsx', "import type { Config } from '../../src/config.ts'"],
    ],
    right: [
      ['src/auth/a.ts', "import { Problem } from '../core/problem.ts'\nimport { b } from './b.ts'\nimport { z } from 'zod'"],
      ['src/broker/a.ts', "import { seal } from '../vault/envelope.ts'"],
      ['src/auth/a.ts', "// import '../vault/envelope.ts'\nconst text = \"import '../vault/envelope.ts'\""],
      ['src/auth/a.test.ts', "import { seal } from '../vault/envelope.ts'"],
      ['src/cli/commands/a.ts', "import { client } from '../../../sdk/client.ts'"],
      ['src/config.ts', "import { parseExceptions } from './egress/addresses.ts'"],
      ['src/main.ts', "import { readConfig } from './config.ts'\nimport { buildApp } from './http/app.ts'"],
      ['sdk/client.ts', "import type { paths } from './schema.ts'"],
      [
        'web/pages/a.tsx',
        "import { useQuery } from '@tanstack/react-query'\nimport { Patchbay } from '../../sdk/index.ts'\nimport '../theme.css'",
      ],
      ['web/a.tsx', "const page = lazy(() => import('./pages/a.tsx'))"],
    ],
  },
  {
    says: 'only egress opens outgoing connections',
    rule: onlyEgressConnects,
    wrong: [
      ['src/broker/a.ts', "import { request } from 'undici'"],
      ['src/broker/a.ts', "import type { Dispatcher } from 'undici'"],
      ['src/broker/a.ts', "const { fetch: ask } = await import('undici')"],
      ['src/broker/a.ts', "await fetch('https://example.com')"],
      ['src/broker/a.ts', "await globalThis.fetch('https://example.com')"],
      ['src/broker/a.ts', "await globalThis['fetch']('https://example.com')"],
      ['src/broker/a.ts', 'const broker = { fetch }'],
      ['src/broker/a.ts', "new WebSocket('wss://example.com')"],
      ['src/practice/a.ts', "import { createServer, request } from 'node:http'"],
      ['src/practice/a.ts', "import { request as ask } from 'https'"],
      ['src/practice/a.ts', "import * as http from 'node:http'"],
      ['src/practice/a.ts', "import http from 'node:http'"],
      ['src/practice/a.ts', "export { request } from 'node:http'"],
      ['src/practice/a.ts', "const http = await import('node:http')"],
      ['src/vault/a.ts', "import { createServer } from 'node:http'"],
      ['src/jobs/a.ts', "import { connect } from 'node:net'"],
      ['src/jobs/a.ts', "import { Socket } from 'node:net'"],
      ['src/jobs/a.ts', "import { connect } from 'node:tls'"],
      ['src/jobs/a.ts', "import { createSocket } from 'node:dgram'"],
      ['src/jobs/a.ts', "import { lookup } from 'node:dns/promises'"],
      ['src/main.ts', "await fetch('https://example.com')"],
      ['src/cli/a.ts', "await fetch('https://example.com')"],
      ['web/a.tsx', "const answer = <p>{await fetch('/api/v1/me')}</p>"],
      ['web/a.ts', "new EventSource('/api/v1/invocations/stream')"],
    ],
    right: [
      ['src/egress/connect.ts', "import { Client } from 'undici'\nimport { connect } from 'node:net'"],
      ['src/practice/a.ts', "import { createServer, type IncomingMessage } from 'node:http'"],
      ['src/broker/a.ts', "import type { Socket } from 'node:net'\nimport { isIP } from 'node:net'"],
      ['src/cli/a.ts', "await client.connection('practice').fetch('/tickets')"],
      ['src/broker/a.ts', 'interface Client { fetch(path: string): void }\nconst client = { fetch: (path: string) => path }'],
      ['src/broker/a.ts', "const text = 'fetch'\n// fetch()"],
      ['sdk/client.ts', "await fetch('https://example.com')"],
      ['src/broker/a.test.ts', "await fetch('http://127.0.0.1')"],
    ],
  },
  {
    says: 'only config.ts reads the environment',
    rule: onlyConfigReadsTheEnvironment,
    wrong: [
      ['src/vault/a.ts', 'const key = process.env.KEY'],
      ['src/vault/a.ts', "const key = process['env'].KEY"],
      ['src/vault/a.ts', 'const key = globalThis.process.env.KEY'],
      ['src/vault/a.ts', 'const { env } = process'],
      ['src/vault/a.ts', "import { env } from 'node:process'"],
      ['src/vault/a.ts', 'const key = import.meta.env.KEY'],
      ['src/main.ts', 'const key = process.env.KEY'],
      ['sdk/client.ts', 'const key = process.env.KEY'],
    ],
    right: [
      ['src/config.ts', 'const environment = process.env'],
      ['src/vault/a.ts', 'const pid = process.pid\n// process.env'],
      ['scripts/a.ts', 'const ci = process.env.CI'],
    ],
  },
  {
    says: 'no service of the catalogue is named in the code',
    rule: servicesAreNotNamed(catalogue),
    wrong: [
      ['src/auth/a.ts', "if (service.link_name === 'hubspot') revoke()"],
      ['src/auth/a.ts', "const prefix = 'Zoho-oauthtoken'"],
      ['src/auth/a.ts', "const service = { description: 'Mailchimp' }"],
      ['src/auth/a.ts', 'const sentence = `Sign in to Google ${thing}`'],
      ['src/auth/a.ts', 'const isMailchimp = true'],
      ['src/auth/a.ts', 'const isHubSpot = true'],
      ['src/auth/a.ts', 'const googleAdsHeader = 1'],
      ['src/auth/a.ts', "if (service.link_name === 'slack') revoke()"],
      ['src/auth/a.ts', "if (host === 'api.x.com') revoke()"],
      ['src/auth/a.ts', 'if (/\\.zohoapis\\.com$/.test(host)) revoke()'],
      ['src/auth/a.ts', "const url = 'https://www.googleapis.com/oauth2'"],
      ['src/auth/zoho.ts', 'export const prefix = 1'],
    ],
    right: [
      ['src/auth/a.ts', '// HubSpot wants the client id in the body\nconst clientInBody = true'],
      ['src/auth/a.ts', "const sentence = 'Tick the box, then resend the invitation.'"],
      ['src/auth/a.ts', "const knob = z.string().meta({ description: 'A second scope parameter (Slack, Zoho).', examples: ['zoho'] })"],
      ['src/http/a.ts', "app.get('/', { schema: { summary: 'Connect, say, Mailchimp' } }, answer)"],
      ['src/auth/a.ts', 'const x = boxes.map(box => box.x)'],
      ['src/auth/a.test.ts', "const service = 'hubspot'"],
      ['src/deluge/a.ts', "const variable = 'zoho.currentdate'"],
    ],
  },
  {
    says: 'no file and no folder is a drawer',
    rule: namesSayWhatIsInside,
    wrong: [
      ['src/auth/utils.ts', ''],
      ['src/common/a.ts', ''],
      ['test/support/http-helpers.ts', ''],
      ['src/broker/connection-manager.ts', ''],
      ['src/shared/a.json', ''],
    ],
    right: [
      ['src/broker/shared-connections.ts', ''],
      ['src/auth/oauth2.ts', ''],
    ],
  },
  {
    says: 'there are no default exports',
    rule: noDefaultExports,
    wrong: [
      ['src/auth/a.ts', 'export default 1'],
      ['src/auth/a.ts', 'export default function a() {}'],
      ['src/auth/a.ts', 'const a = 1\nexport { a as default }'],
      ['src/auth/a.ts', 'export = 1'],
    ],
    right: [
      ['src/auth/a.ts', 'export const a = { default: 1 }\nswitch (a) { default: break }'],
      ['eslint.config.js', 'export default []'],
      ['src/storage/a.d.ts', "declare module 'a' {\n  export default 1\n}"],
    ],
  },
  {
    says: 'there are no barrels',
    rule: noBarrels,
    wrong: [
      ['src/auth/index.ts', "export * from './basic.ts'\nexport { oauth1 } from './oauth1.ts'"],
      ['src/auth/index.ts', "import { basic } from './basic.ts'\nexport { basic }"],
      ['src/auth/types.ts', "export type { Scheme } from './scheme.ts'"],
    ],
    right: [
      ['src/auth/index.ts', "import { basic } from './basic.ts'\nexport const schemes = { basic }"],
      ['src/auth/a.ts', "import './b.ts'\nexport {}"],
    ],
  },
  {
    says: 'there are no classes but errors and Secret',
    rule: noClassesButErrors,
    wrong: [
      ['src/auth/a.ts', 'class Scheme {}'],
      ['src/auth/a.ts', 'export class Queue extends EventEmitter {}'],
      ['src/auth/a.ts', 'const make = () => class {}'],
      ['src/vault/a.ts', 'export class Secret {}'],
    ],
    right: [
      ['src/auth/a.ts', 'export class Refusal extends Error {}\nclass Wrong extends TypeError {}'],
      ['src/core/secret.ts', 'export class Secret<T> {}'],
    ],
  },
  {
    says: `no file has more than ${mostLines} lines`,
    rule: filesAreShort,
    wrong: [
      ['src/auth/a.ts', '//\n'.repeat(mostLines + 1)],
      ['web/a.tsx', '//\n'.repeat(mostLines + 1)],
    ],
    right: [
      ['src/auth/a.ts', '//\n'.repeat(mostLines)],
      ['src/auth/a.test.ts', '//\n'.repeat(mostLines + 1)],
    ],
  },
  {
    says: 'nothing is of type any',
    rule: noAny,
    wrong: [
      ['src/auth/a.ts', 'const a = b as any'],
      ['src/auth/a.ts', 'function f(a: any[]) {}'],
    ],
    right: [['src/auth/a.ts', "const any = 'as any' // as any"]],
  },
  {
    says: 'a rule is switched off for one line and with a reason',
    rule: exceptionsHaveReasons,
    wrong: [
      ['src/auth/a.ts', '// eslint-disable-next-line no-control-regex\nconst a = 1'],
      ['src/auth/a.ts', 'const a = 1 // eslint-disable-line'],
      ['src/auth/a.ts', '// eslint-disable-next-line -- everything is fine here\nconst a = 1'],
      ['src/auth/a.ts', '/* eslint-disable no-console -- it prints to the terminal */\nconst a = 1'],
      ['src/auth/a.ts', 'const a = [\n  // eslint-disable-next-line no-control-regex\n  1,\n]'],
      ['src/auth/a.ts', '// @ts-ignore it is right\nconst a = 1'],
      ['src/auth/a.ts', '// @ts-expect-error\nconst a = 1'],
    ],
    right: [
      ['src/auth/a.ts', '// eslint-disable-next-line no-control-regex -- control characters are what this looks for\nconst a = 1'],
      ['src/auth/a.ts', "const a = '// eslint-disable-next-line no-control-regex'"],
      ['src/auth/a.ts', '// @ts-expect-error the field is refused at run time too\nconst a = 1'],
    ],
  },
  {
    says: 'no test is left out',
    rule: noTestIsLeftOut,
    wrong: [
      ['src/auth/a.test.ts', "it.only('signs', sign)"],
      ['src/auth/a.test.ts', "describe.skip('signing', sign)"],
      ['src/auth/a.test.ts', "test.todo('signs')"],
    ],
    right: [['src/auth/a.test.ts', "it('signs', sign)\nit.each([1])('signs %s', sign)\nlist.skip()"]],
  },
]

describe('the house', () => {
  for (const { says, rule } of rules)
    it(says, () => {
      expect(sources.flatMap(([path, source]) => rule(path, source))).toEqual([])
    })

  it('has no drawer among the files that are not code', () => {
    expect(allFiles.flatMap(path => namesSayWhatIsInside(path, ''))).toEqual([])
  })

  it('has every room on a floor, and no floor has a room that is not there', () => {
    const rooms = readdirSync(posix.join(root, 'src'), { withFileTypes: true }).filter(entry => entry.isDirectory())
    expect(rooms.map(room => room.name).toSorted()).toEqual(floors.flat().toSorted())
  })

  it('was looked at in full', () => {
    expect(sources.length).toBeGreaterThan(150)
    expect(catalogue.length).toBeGreaterThan(25)
  })
})

for (const { says, rule, wrong, right } of rules)
  describe(`the rule that ${says}`, () => {
    it('fires for every bad sample', () => {
      expect(wrong.filter(([path, source]) => rule(path, source).length === 0)).toEqual([])
    })

    it('lets every good sample be', () => {
      expect(right.flatMap(([path, source]) => rule(path, source))).toEqual([])
    })
  })
