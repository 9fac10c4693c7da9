import type { Command } from 'commander'
import type { Service, ServiceInput } from '../../../sdk/index.ts'
import { askSecret, readJson, readText } from '../ask.ts'
import type { Context } from '../patchbay.ts'
import { printJson, printPairs, printTable, say } from '../terminal.ts'

const secretFile = '--client-secret-file <file>'

/** The client secret: from a file, or typed unseen. */
const secretFor = (name: string, file: string | undefined): Promise<string> =>
  file === undefined ? askSecret(`Client secret of ${name}`, '--client-secret-file') : Promise.resolve(readText(file).trim())

export function serviceCommands(root: Command, context: Context): void {
  const services = root.command('services').description('what can be connected')

  services
    .command('list')
    .description('default and custom services')
    .option('--kind <kind>', 'default or custom')
    .option('--category <category>')
    .option('-q, --search <text>', 'part of a name')
    .option('--json', 'as JSON')
    .action(async (options: { kind?: 'default' | 'custom'; category?: string; search?: string; json?: true }, command: Command) => {
      const { kind, category, search: q } = options
      const found: Service[] = []
      for await (const one of context.patchbay(command).services.list({ kind, category, q, limit: 100 })) found.push(one)
      if (options.json) return printJson(found)
      const rows = found.map(one => [one.link_name, one.name, one.kind, one.auth_type, one.category, one.configured])
      printTable(['LINK NAME', 'NAME', 'KIND', 'AUTHENTICATION', 'CATEGORY', 'CLIENT'], rows, 'No service was found.')
    })

  services
    .command('show')
    .description('one service')
    .argument('<link_name>')
    .option('--json', 'as JSON')
    .action(async (linkName: string, options: { json?: true }, command: Command) => {
      const service = await context.patchbay(command).services.get(linkName)
      if (options.json) return printJson(service)
      show(service)
    })

  services
    .command('create')
    .description('create a custom service from its definition (JSON)')
    .argument('<file>', 'a file, or -')
    .option(secretFile, 'a file with the client secret, or -; asked for otherwise')
    .option('--json', 'as JSON')
    .action(async (file: string, options: { clientSecretFile?: string; json?: true }, command: Command) => {
      const definition = readJson(file) as ServiceInput
      const needsSecret = definition.client_id != null && definition.client_secret === undefined
      const secret =
        needsSecret || options.clientSecretFile !== undefined ? await secretFor(definition.name, options.clientSecretFile) : undefined
      const service = await context
        .patchbay(command)
        .services.create({ ...definition, ...(secret !== undefined && { client_secret: secret }) })
      if (options.json) return printJson(service)
      show(service)
    })

  services
    .command('client')
    .description('register the organisation’s own OAuth client for a default service')
    .argument('<link_name>')
    .requiredOption('--client-id <id>')
    .option(secretFile, 'a file with the client secret, or -; asked for otherwise')
    .action(async (linkName: string, options: { clientId: string; clientSecretFile?: string }, command: Command) => {
      const patchbay = context.patchbay(command)
      const { redirect_url: redirectUrl } = await patchbay.services.get(linkName)
      if (redirectUrl !== null) say(`Redirect URL to register at the provider: ${redirectUrl}`)
      const secret = await secretFor(linkName, options.clientSecretFile)
      await patchbay.services.putClient(linkName, { client_id: options.clientId, client_secret: secret })
      say(`${linkName} can be connected now.`)
    })
}

function show(service: Service): void {
  printPairs([
    ['Link name', service.link_name],
    ['Name', service.name],
    ['Kind', service.kind],
    ['Authentication', service.auth_type],
    ['Client', service.client_id],
    ['Client secret', service.redirect_url === null ? null : service.has_client_secret],
    ['Can be connected', service.configured],
    ['Redirect URL', service.redirect_url],
    ['API hosts', service.every_host ? 'every host (dangerous)' : service.api_hosts],
    ['Scopes', service.scopes?.map(one => one.name) ?? []],
    ['Variables', service.variables.map(one => one.name)],
  ])
}
