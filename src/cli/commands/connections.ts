import { InvalidArgumentError, type Command } from 'commander'
import type { Connection, ConnectionAccess, ConnectionStatus, Values } from '../../../sdk/index.ts'
import type { Context } from '../patchbay.ts'
import { printJson, printPairs, printTable, say } from '../terminal.ts'
import { credentialsFile, finish, type ConnectOptions } from './connect.ts'

type View = 'own' | 'shared' | 'available' | 'all'

interface CreateOptions extends ConnectOptions {
  readonly name?: string
  readonly linkName?: string
  readonly scope?: readonly string[]
  readonly variable?: Values
  readonly loginUser?: true
  readonly access?: ConnectionAccess
}

const collected = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

/** `name=value`, as often as needed. */
export function pair(value: string, before: Values = {}): Values {
  const at = value.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Write it as name=value.')
  return { ...before, [value.slice(0, at)]: value.slice(at + 1) }
}

const accessFrom = (value: string): ConnectionAccess =>
  value === 'private' || value === 'organization' ? value : { members: value.split(',').map(one => one.trim()) }

export function connectionCommands(root: Command, context: Context): void {
  const connections = root.command('connections').description('what is connected')

  connections
    .command('list')
    .description('connections that you may use or authorise')
    .option('--view <view>', 'own, shared (authorised by me), available (waiting for me) or all (administrators)')
    .option('--service <link_name>')
    .option('--status <status>')
    .option('-q, --search <text>', 'part of a name')
    .option('--json', 'as JSON')
    .action(
      async (options: { view?: View; service?: string; status?: ConnectionStatus; search?: string; json?: true }, command: Command) => {
        const { view, service, status, search: q } = options
        const found: Connection[] = []
        for await (const one of context.patchbay(command).connections.list({ view, service, status, q, limit: 100 })) found.push(one)
        if (options.json) return printJson(found)
        const rows = found.map(one => [one.link_name, one.name, one.service.link_name, one.status, one.owner.name, one.last_used_at])
        printTable(['LINK NAME', 'NAME', 'SERVICE', 'STATUS', 'OWNER', 'LAST USED'], rows, 'No connection was found.')
      },
    )

  connections
    .command('create')
    .description('create a connection and connect it')
    .argument('<service>', 'link name of the service')
    .option('--name <name>', 'default: the service’s name')
    .option('--link-name <link_name>', 'default: the service’s link name')
    .option('--scope <scope>', 'as often as needed', collected)
    .option('--variable <name=value>', 'as often as needed', pair)
    .option('--login-user', 'use credentials of login user')
    .option('--access <access>', 'private, organization, or ids of members with commas', accessFrom)
    .option(...credentialsFile)
    .option('--no-browser', 'only print the address')
    .option('--json', 'as JSON')
    .action(async (service: string, options: CreateOptions, command: Command) => {
      const patchbay = context.patchbay(command)
      const name = options.name ?? (await patchbay.services.get(service)).name
      const started = await patchbay.connections.create({
        service,
        name,
        link_name: options.linkName ?? service,
        scopes: options.scope,
        variables: options.variable,
        use_login_user_credentials: options.loginUser,
        access: options.access,
      })
      await finish(patchbay, started, options, [])
    })

  connections
    .command('show')
    .description('one connection')
    .argument('<link_name>')
    .option('--json', 'as JSON')
    .action(async (linkName: string, options: { json?: true }, command: Command) => {
      const connection = await context.patchbay(command).connections.get(linkName)
      if (options.json) return printJson(connection)
      show(connection)
    })

  connections
    .command('revoke')
    .description('revoke your own authorisation')
    .argument('<link_name>')
    .option('--everyone', 'everybody’s (owner and administrators)')
    .action(async (linkName: string, options: { everyone?: true }, command: Command) => {
      const answer = await context.patchbay(command).connections.revoke(linkName, { everyone: options.everyone })
      const told =
        answer.revoked_at_provider === 'pending'
          ? ' The service is being told.'
          : answer.revoked_at_provider === 'not_supported'
            ? ' The service has no way to be told.'
            : ''
      say(
        answer.count === 0
          ? 'There was nothing to revoke.'
          : `Revoked ${answer.count === 1 ? 'one authorisation' : `${answer.count} authorisations`}.${told}`,
      )
    })

  connections
    .command('delete')
    .description('delete a connection; the service is told afterwards')
    .argument('<link_name>')
    .action(async (linkName: string, _options: object, command: Command) => {
      await context.patchbay(command).connections.delete(linkName)
      say(`${linkName} is deleted.`)
    })
}

function show(connection: Connection): void {
  const { access } = connection
  printPairs([
    ['Link name', connection.link_name],
    ['Name', connection.name],
    ['Service', `${connection.service.name} (${connection.service.link_name})`],
    ['Status', `${connection.status} since ${connection.status_since}`],
    ['Reason', connection.status_detail],
    ['What to do', connection.status_action],
    ['Account', connection.account?.label ?? connection.account?.id],
    ['Owner', connection.owner.name],
    ['Access', typeof access === 'object' ? access.members : access],
    ['Login user', connection.use_login_user_credentials],
    ['Scopes', connection.granted_scopes ?? connection.scopes],
    ['Token until', connection.expires_at],
    ['Last used', connection.last_used_at],
    ['Warnings', connection.warnings],
  ])
}
