import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { fillHostRule, hostAllowed } from '../core/api-hosts.ts'
import { hasClient, serviceInput, variablesOf, type ServiceDefinition } from '../core/service.ts'
import { fill, inHost, pathVariablePattern, placeholdersOf } from '../core/template.ts'
import { loadCatalogue } from './catalogue.ts'

const catalogue = loadCatalogue()
const services = catalogue.all().map(one => [one.definition.link_name, one] as const)

const known =
  'accounting ads ai calendar commerce communication crm database developer documents events files forms mail marketing other payments project_management social support'

/** A value for each variable, as the definition itself suggests it. */
const valuesOf = (service: ServiceDefinition) =>
  Object.fromEntries(
    Object.entries(service.advanced.variables ?? {}).map(([name, one]) => [name, one.choices?.[0] ?? one.default ?? one.example ?? 'x']),
  )

const filledHosts = (service: ServiceDefinition) => service.api_hosts.map(rule => fillHostRule(rule, valuesOf(service)))

/** Every URL that a definition names and that is given the credential. */
const calledUrls = ({ advanced: a }: ServiceDefinition) => [a.base_url, a.test_url, a.after_connect?.url].filter(url => url !== undefined)

const oauthUrls = (service: ServiceDefinition) =>
  hasClient(service)
    ? [
        service.authorize_url,
        service.access_token_url,
        service.refresh_token_url,
        'revoke_token_url' in service ? service.revoke_token_url : null,
        'request_token_url' in service ? service.request_token_url : null,
      ].filter(url => url !== null)
    : []

describe('the default services', () => {
  it('are the founding documents’ names and more', () => {
    expect(services.length).toBeGreaterThanOrEqual(36)
    for (const name of ['zoho_crm', 'google_ads', 'mailchimp', 'surveymonkey', 'eventbrite', 'beyondtrust_remote_support', 'hubspot', 'x'])
      expect(catalogue.get(name)?.definition.link_name).toBe(name)
  })

  it('are listed by name, each name once', () => {
    const names = catalogue.all().map(one => one.definition.name)
    expect(new Set(names.map(name => name.toLowerCase())).size).toBe(names.length)
    expect(names).toEqual(names.toSorted((a, b) => a.localeCompare(b, 'en')))
  })

  it('are in known categories only', () => {
    expect(known.split(' ')).toEqual(expect.arrayContaining([...catalogue.categories()]))
    expect(catalogue.categories()).toContain('crm')
  })

  it.each(services)(
    '%s allows its example call and every URL that it calls itself, and no other host',
    (_, { definition, exampleCall }) => {
      const hosts = filledHosts(definition)
      for (const url of [exampleCall, ...calledUrls(definition)]) {
        const filled = fill(url, valuesOf(definition))
        expect(placeholdersOf(filled)).toEqual([])
        expect(new URL(filled).protocol).toBe('https:')
        expect(hostAllowed(new URL(filled), hosts), filled).toBe(true)
      }
      expect(hostAllowed(new URL('https://evil.test/'), hosts)).toBe(false)
    },
  )

  it.each(services)(
    '%s declares every variable of its URLs, with a label, and an example or a choice',
    (_, { definition, exampleCall }) => {
      const declared = definition.advanced.variables ?? {}
      const used = [exampleCall, ...calledUrls(definition), ...oauthUrls(definition), ...definition.api_hosts].flatMap(placeholdersOf)
      const captured = {
        ...definition.advanced.capture,
        ...definition.advanced.capture_callback,
        ...definition.advanced.after_connect?.capture,
      }
      for (const name of used) {
        const variable = declared[name]
        expect(variable?.label, name).toBeTruthy()
        expect(variable?.choices?.[0] ?? variable?.default ?? variable?.example, name).toBeTruthy()
        expect(Object.hasOwn(captured, name), `${name} is asked for or captured, not both`).toBe(variable?.captured === true)
        if (!inHost(exampleCall, name)) expect(valuesOf(definition)[name]).toMatch(pathVariablePattern)
      }
      for (const asked of variablesOf(definition)) {
        expect(asked.label, asked.name).toBeTruthy()
        const value = valuesOf(definition)[asked.name] ?? ''
        if (asked.pattern && !asked.secret) expect(value).toMatch(new RegExp(`^(?:${asked.pattern})$`))
        if (asked.choices && asked.default !== undefined) expect(asked.choices).toContain(asked.default)
      }
    },
  )

  it.each(services)('%s has API hosts that are known before anything is captured from an answer', (_, { definition }) => {
    const asked = variablesOf(definition).map(one => one.name)
    expect(asked).toEqual(expect.arrayContaining(definition.api_hosts.flatMap(placeholdersOf)))
  })

  it.each(services)('%s uses https everywhere and preselects only scopes that it lists', (_, { definition }) => {
    for (const url of [...oauthUrls(definition), ...calledUrls(definition)]) expect(url).toMatch(/^https:/)
    const listed = 'scopes' in definition ? definition.scopes.map(one => one.name) : []
    const chosen = [...(definition.advanced.default_scopes ?? []), ...(definition.advanced.required_scopes ?? [])]
    expect(listed).toEqual(expect.arrayContaining(chosen))
  })

  it('name only logos that simple-icons has', () => {
    const icons = join(dirname(createRequire(import.meta.url).resolve('simple-icons')), 'icons')
    const logos = catalogue.all().flatMap(({ definition }) => definition.logo ?? [])
    expect(logos.length).toBeGreaterThan(40)
    expect(logos.filter(logo => !existsSync(join(icons, `${logo}.svg`)))).toEqual([])
  })

  it.each(services)('%s says where and when it was read, and survives a round through JSON', (name, { definition, documented }) => {
    expect(documented.page).toMatch(/^https:/)
    expect(new Date(documented.on).toISOString()).toContain(documented.on)
    expect(serviceInput.parse(JSON.parse(JSON.stringify(definition)))).toEqual(definition)
    const file = readFileSync(new URL(`./services/${name}.json`, import.meta.url), 'utf8')
    expect(JSON.parse(file)).toHaveProperty('$schema', '../service.schema.json')
  })

  it('ask Zoho’s data centre such that every URL is right in each, Canada’s too', () => {
    const zoho = catalogue.get('zoho_desk')?.definition
    if (zoho?.auth_type !== 'oauth2') throw new Error('Zoho Desk is an OAuth 2 service')
    const tokenUrls = zoho.advanced.variables?.['dc']?.choices?.map(dc => fill(zoho.access_token_url, { dc }))
    expect(tokenUrls).toContain('https://accounts.zohocloud.ca/oauth/v2/token')
    expect(tokenUrls).toContain('https://accounts.zoho.com.cn/oauth/v2/token')
    expect(tokenUrls).toContain('https://accounts.zoho.uk/oauth/v2/token')
    expect(catalogue.hostsForTokenHost('accounts.zoho.uk')).toContain('www.zohoapis.uk')
  })
})

describe('hosts proposed for a custom service', () => {
  it.each([
    ['accounts.zoho.eu', 'desk.zoho.eu'],
    ['accounts.zohocloud.ca', 'desk.zohocloud.ca'],
    ['ACCOUNTS.zoho.com', 'www.zohoapis.com'],
    ['api.dropboxapi.com', 'content.dropboxapi.com'],
    ['oauth2.googleapis.com', 'gmail.googleapis.com'],
    ['my-shop.myshopify.com', 'my-shop.myshopify.com'],
    ['my-company.my.salesforce.com', '*.salesforce.com'],
    ['gitlab.com', 'gitlab.com'],
    ['api-m.sandbox.paypal.com', 'api-m.sandbox.paypal.com'],
    ['trello.com', 'api.trello.com'],
  ])('are those of the default services with token host %s', (tokenHost, apiHost) => {
    expect(catalogue.hostsForTokenHost(tokenHost)).toContain(apiHost)
  })

  it.each([
    'evil.test',
    'accounts.evil.test',
    'accounts.zoho.eu.evil.test',
    'myshopify.com',
    '.myshopify.com',
    'a@b.myshopify.com',
    'zoho.com',
    '',
  ])('are none for %j, where no default service is', host => {
    expect(catalogue.hostsForTokenHost(host)).toEqual([])
  })

  it('leave out a rule whose variable the token host does not tell', () => {
    expect(catalogue.get('quickbooks')?.definition.api_hosts).toEqual(['{api_host}'])
    expect(catalogue.hostsForTokenHost('oauth.platform.intuit.com')).toEqual([])
  })

  it('are each listed once and hold no variable', () => {
    const hosts = catalogue.hostsForTokenHost('accounts.zoho.in')
    expect(new Set(hosts).size).toBe(hosts.length)
    expect(hosts.flatMap(placeholdersOf)).toEqual([])
  })
})

describe('a wrong file', () => {
  const good = {
    $schema: '../service.schema.json',
    link_name: 'example',
    name: 'Example',
    category: 'other',
    auth_type: 'oauth2',
    authorize_url: 'https://example.com/authorize',
    access_token_url: 'https://example.com/token',
    scopes: [{ name: 'read' }],
    documented: { on: '2026-11-21', page: 'https://example.com/docs', checked: 'provider page' },
    example_call: 'https://api.example.com/me',
  }

  const load = (files: Record<string, unknown>) => {
    const folder = mkdtempSync(join(tmpdir(), 'patchbay-catalogue-'))
    for (const [name, content] of Object.entries(files))
      writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
    return loadCatalogue(pathToFileURL(`${folder}/`))
  }

  it('is not this one, whose API hosts are derived from its token URL', () => {
    const loaded = load({ 'example.json': good, 'README.md': 'not a service' })
    expect(loaded.get('example')?.definition.api_hosts).toEqual(['example.com', '*.example.com'])
    expect(loaded.get('example')?.definition).not.toHaveProperty('documented')
    expect(loaded.get('nothing')).toBeUndefined()
  })

  it.each([
    ['a misspelt knob', { ...good, advanced: { pkse: 'off' } }, /example\.json.*advanced.*pkse/],
    ['a field that does not exist', { ...good, colour: 'blue' }, /example\.json.*colour/],
    ['an authentication type that does not exist', { ...good, auth_type: 'oauth3' }, /example\.json.*auth_type/],
    ['a URL without https://', { ...good, access_token_url: 'example.com/token' }, /example\.json.*access_token_url.*https:/],
    ['a link name that is not the file’s', { ...good, link_name: 'another' }, /example\.json.*link_name.*name of the file/],
    ['a link name that breaks the rule', { ...good, link_name: 'Example' }, /example\.json.*link_name.*lower-case/],
    ['a scope that is listed twice', { ...good, scopes: [{ name: 'read' }, { name: 'read' }] }, /example\.json.*scopes.*twice/],
    ['a wildcard for a public suffix', { ...good, api_hosts: ['*.co.uk'] }, /example\.json.*api_hosts\.0.*co\.uk/],
    [
      'no day on which it was read',
      { ...good, documented: { page: good.documented.page, checked: 'not checked' } },
      /example\.json.*documented\.on/,
    ],
    ['a page that is not one', { ...good, documented: { ...good.documented, page: 'the docs' } }, /example\.json.*documented\.page/],
    [
      'no word on what it was compared with',
      { ...good, documented: { ...good.documented, checked: undefined } },
      /example\.json.*documented\.checked/,
    ],
    ['no example call', { ...good, example_call: undefined }, /example\.json.*example_call/],
    ['no authorize URL', { ...good, authorize_url: null }, /example\.json.*authorize_url.*authorize URL/],
    ['no JSON', '{ "link_name": ', /example\.json.*not JSON/],
    ['a list', [good], /example\.json/],
  ])('stops the start with a sentence: %s', (_, content, sentence) => {
    expect(() => load({ 'example.json': content })).toThrow(sentence)
  })

  it('is one whose name another service has, whatever its case', () => {
    const other = { ...good, link_name: 'other', name: 'EXAMPLE' }
    expect(() => load({ 'example.json': good, 'other.json': other })).toThrow(/"name".*same name/)
  })

  it('is named even when every other file is right', () => {
    expect(() => load({ 'example.json': good, 'other.json': { ...good, link_name: 'other', name: 'Other', auth_type: 'basic' } })).toThrow(
      /other\.json/,
    )
  })
})
