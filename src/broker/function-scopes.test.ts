import { describe, expect, it } from 'vitest'
import { loadCatalogue } from '../catalogue/catalogue.ts'
import { impliedScopes } from './function-scopes.ts'

const crm = loadCatalogue().get('zoho_crm')?.definition

describe('scopes that calls imply', () => {
  const of = (method: string | null, url: string) => (crm ? impliedScopes(crm, [{ connection: null, method, url }]) : [])

  it('the narrowest scope about a word of the path', () => {
    expect(of('GET', 'https://www.zohoapis.com/crm/v8/Leads')).toEqual(['ZohoCRM.modules.leads.ALL'])
    expect(of('GET', 'https://www.zohoapis.com/crm/v8/users?type=CurrentUser')).toEqual(['ZohoCRM.users.READ'])
    expect(of('POST', 'https://www.zohoapis.com/crm/v8/users')).toEqual(['ZohoCRM.users.ALL'])
    expect(of('GET', 'https://www.zohoapis.com/crm/v8/settings/fields')).toEqual(['ZohoCRM.settings.fields.READ'])
  })

  it('the default scopes where nothing fits', () => {
    expect(of('GET', 'https://www.zohoapis.com/crm/v8/Anything_Else')).toEqual(['ZohoCRM.modules.ALL', 'ZohoCRM.users.READ'])
  })
})
