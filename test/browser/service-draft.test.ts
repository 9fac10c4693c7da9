import { describe, expect, it } from 'vitest'
import {
  changesOf,
  emptyDraft,
  hostsInput,
  inputOf,
  problemsOf,
  rebased,
  variablesOf,
  type ServiceDraft,
} from '../../web/pages/services/service-draft.ts'

const oauth2: ServiceDraft = {
  ...emptyDraft,
  name: ' Mailchimp ',
  link_name: 'mailchimp',
  authorize_url: 'https://login.mailchimp.com/oauth2/authorize',
  access_token_url: 'https://login.mailchimp.com/oauth2/token',
  client_id: 'id',
}
const nothing = { administrator: false, secret: '', secretStored: false, linkName: null }

describe('the draft of a service', () => {
  it('becomes the fields of its own authentication type only', () => {
    expect(Object.keys(inputOf({ ...oauth2, auth_type: 'basic', api_hosts: ['api.test'] })).sort()).toEqual(
      'advanced api_hosts auth_type category description documentation_url link_name logo name param_type'.split(' '),
    )
    expect(inputOf(oauth2)).toMatchObject({ name: 'Mailchimp', refresh_token_url: null, grant_type: 'authorization_code' })
  })

  it('leaves out hosts that are to be derived, and knobs that were opened and left empty', () => {
    expect(inputOf(oauth2)).not.toHaveProperty('api_hosts')
    expect(inputOf({ ...oauth2, advanced: { headers: {}, methods: [], header_prefix: '' } }).advanced).toEqual({ header_prefix: '' })
  })

  it('does not send a Param Type that its authentication type has not', () => {
    expect(inputOf({ ...oauth2, param_type: 'form' }).param_type).toBe('header')
    expect(inputOf({ ...oauth2, auth_type: 'api_key', param_type: 'form' }).param_type).toBe('form')
  })

  it('says in a PATCH what differs, and nothing else', () => {
    expect(changesOf(oauth2, oauth2)).toEqual({})
    expect(changesOf(oauth2, { ...oauth2, name: 'Mailchimp', description: 'Mail' })).toEqual({ description: 'Mail' })
    expect(changesOf({ ...oauth2, api_hosts: ['api.test'] }, oauth2)).toEqual({ api_hosts: [] })
  })

  it('keeps what was typed on top of what somebody else saved', () => {
    const theirs = { ...oauth2, description: 'theirs', client_id: 'theirs' }
    expect(rebased({ ...oauth2, client_id: 'mine' }, oauth2, theirs)).toEqual({ ...theirs, client_id: 'mine' })
  })

  it('tells what is wrong by the path that the server would name', () => {
    expect(problemsOf(oauth2, nothing)).toEqual({})
    expect(Object.keys(problemsOf({ ...emptyDraft, auth_type: 'api_key' }, nothing))).toEqual([
      'name',
      'parameters.0.name',
      'parameters.0.display_name',
      'api_hosts',
    ])
    expect(problemsOf({ ...oauth2, authorize_url: '' }, nothing)).toHaveProperty('authorize_url')
    expect(problemsOf({ ...oauth2, authorize_url: '', grant_type: 'client_credentials' }, nothing)).toEqual({})
    expect(problemsOf({ ...oauth2, access_token_url: 'login.mailchimp.com' }, nothing)).toHaveProperty('access_token_url')
    expect(problemsOf({ ...oauth2, access_token_url: 'https://{dc}.test/token' }, nothing)).toEqual({})
    expect(problemsOf({ ...oauth2, api_hosts: ['*'] }, nothing)).toHaveProperty('api_hosts')
    expect(problemsOf({ ...oauth2, api_hosts: ['*'] }, { ...nothing, administrator: true })).toEqual({})
  })

  it('finds the variables that its URLs hold', () => {
    const draft: ServiceDraft = {
      ...oauth2,
      access_token_url: 'https://accounts.{dc}/token?a={b}',
      advanced: {
        variables: { dc: { label: 'Data centre', choices: ['zoho.com'] }, domain: { captured: true } },
        base_url: 'https://{domain}/',
      },
    }
    expect(variablesOf(draft)).toEqual([
      { name: 'dc', label: 'Data centre', choices: ['zoho.com'], secret: false },
      { name: 'b', label: 'b', choices: null, secret: false },
    ])
  })

  it('asks for the hosts of what is typed so far, and for none when they are named or cannot follow from anything', () => {
    const { name, link_name, client_id, authorize_url } = emptyDraft
    const unfinished = { ...oauth2, name, link_name, client_id, authorize_url }
    expect(hostsInput(unfinished)).toMatchObject({ auth_type: 'oauth2', access_token_url: oauth2.access_token_url, authorize_url: null })
    expect(hostsInput(oauth2)).toMatchObject({ authorize_url: oauth2.authorize_url })
    expect(hostsInput({ ...unfinished, auth_type: 'oauth1' })).toMatchObject({ request_token_url: oauth2.access_token_url })
    expect(hostsInput({ ...oauth2, access_token_url: 'https:/' })).toBe(null)
    expect(hostsInput({ ...oauth2, api_hosts: ['api.test'] })).toBe(null)
    expect(hostsInput({ ...oauth2, auth_type: 'basic' })).toBe(null)
  })
})
