import type { Principal } from '../core/principal.ts'
import { placeholdersOf } from '../core/template.ts'
import type { ConnectionView } from '../storage/connections.ts'
import type { Broker } from './broker.ts'
import { definitionOf } from './usable.ts'

/** This machine itself is reached without TLS. */
const isLoopback = (host: string): boolean => /^(?:localhost|127\.[\d.]+|\[::1\])(?::\d+)?$/.test(host)

/** A URL that the service's first host would take; its own test call where it has one. */
function exampleUrl(broker: Broker, row: ConnectionView): string {
  const definition = definitionOf(broker, row)
  const { test_url, base_url, variables } = definition.advanced
  const [host = 'api.example.com'] = definition.api_hosts
  const origin = `${isLoopback(host) ? 'http' : 'https'}://${host.replace(/^\*\.?/, 'api.')}`
  const template = test_url ?? base_url ?? broker.catalogue.get(row.service_link_name)?.exampleCall ?? `${origin}/`
  const known = {
    ...Object.fromEntries(placeholdersOf(template).map(name => [name, variables?.[name]?.choices?.[0] ?? name])),
    ...row.variables,
  }
  return template.replace(/\{([a-z][a-z0-9_]*)\}/g, (whole, name: string) => known[name] ?? whole)
}

/** Code to paste. The invokeUrl text is the documented one (CON-30), the JSON the one that goes into a manifest (CON-31). */
export function snippetsFor(broker: Broker, principal: Principal, row: ConnectionView) {
  const url = exampleUrl(broker, row)
  const invoke = JSON.stringify({ connection: row.link_name, url, type: 'GET' })
  const { protocol, host, pathname, search } = new URL(url)
  return {
    invokeurl: [
      'response = invokeUrl [',
      'url : <url>',
      'type : GET/POST/PUT/DELETE',
      'parameters : <paramMap/string>',
      `connection : ${row.link_name}`,
      '];',
    ].join('\n'),
    json: JSON.stringify(
      {
        connectionLinkName: row.link_name,
        connectionName: row.name,
        serviceName: row.service_link_name,
        userAccess: row.use_login_user_credentials,
        isUserDefinedService: row.service_kind === 'custom',
        sharedBy: principal.userId,
        scope: row.scopes,
      },
      null,
      2,
    ),
    curl: `curl ${broker.publicUrl}/api/v1/invoke \\\n  -H "Authorization: Bearer $PATCHBAY_API_KEY" \\\n  -H "Content-Type: application/json" \\\n  -d '${invoke.replaceAll("'", "'\\''")}'`,
    typescript: `import { Patchbay } from '@patchbay/sdk'\n\nconst patchbay = new Patchbay({ url: '${broker.publicUrl}', apiKey: process.env.PATCHBAY_API_KEY })\nconst response = await patchbay.connection('${row.link_name}').fetch('${url}')`,
    proxy: `curl ${broker.publicUrl}/proxy/${row.link_name}/${protocol.slice(0, -1)}/${host}${pathname}${search} \\\n  -H "Authorization: Bearer $PATCHBAY_API_KEY"`,
  }
}
