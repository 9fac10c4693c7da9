import type { Service } from '../../../sdk/index.ts'
import type { ServiceDraft } from './service-draft.ts'

/** What every part of the form is handed. */
export interface FormPart {
  readonly draft: ServiceDraft
  readonly change: (fields: Partial<ServiceDraft>) => void
  /** Sentences by the path of their field. */
  readonly errors: Readonly<Record<string, string>>
  /** The stored service while it is edited; null for a new one. */
  readonly stored: Service | null
}

export interface SecretPart {
  readonly secret: string
  readonly onSecret: (secret: string) => void
}
