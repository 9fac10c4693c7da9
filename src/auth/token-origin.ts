import { hasClient, type ServiceDefinition } from '../core/service.ts'
import { fillUrl } from './oauth2-url.ts'

/**
 * Scheme, host and port that a renewal is asked of, such as `https://accounts.example.eu`: what is down or up together. Empty where
 * nothing is renewed, or a variable that the URL needs has no value.
 */
export function tokenOrigin(service: ServiceDefinition, variables: Readonly<Record<string, string>>): string {
  if (!hasClient(service)) return ''
  const template = ('refresh_token_url' in service ? service.refresh_token_url : null) ?? service.access_token_url
  try {
    return new URL(fillUrl(template, variables)).origin
  } catch {
    return ''
  }
}
