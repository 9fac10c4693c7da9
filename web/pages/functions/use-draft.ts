import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState, type RefObject } from 'react'
import { PatchbayProblem, type DelugeFunction } from '../../../sdk/index.ts'
import { patchbay } from '../../client.ts'
import { tellDone } from '../../parts/problem.tsx'
import type { EditorHandle, Finding } from './lazy-editor.tsx'
import { functionChanged, functionQuery } from './function-queries.ts'
import { refusedFindings } from './source-check.ts'

export interface Draft {
  readonly source: string
  readonly change: (source: string) => void
  readonly dirty: boolean
  readonly saving: boolean
  /** Whether it is saved; false when it was refused, which is told in `refusal`. */
  readonly save: () => Promise<boolean>
  readonly refusal: unknown
  readonly refused: { readonly source: string; readonly findings: readonly Finding[] } | null
  /** Somebody saved another source while this one was being written. */
  readonly overtaken: boolean
  /** Writes on: the next save replaces what they saved. */
  readonly keepMine: () => void
  readonly takeTheirs: () => void
}

/** The source as it is being written, against the one that is saved. */
export function useDraft(one: DelugeFunction, editor: RefObject<EditorHandle | null>): Draft {
  const queries = useQueryClient()
  const stored = one.source ?? ''
  const [base, setBase] = useState({ revision: one.revision, source: stored })
  const [source, setSource] = useState(stored)
  const [saving, setSaving] = useState(false)
  const [refusal, setRefusal] = useState<unknown>(null)
  const [refused, setRefused] = useState<Draft['refused']>(null)
  const dirty = source !== base.source
  const differs = one.revision > base.revision && !saving

  const takeTheirs = () => {
    setBase({ revision: one.revision, source: stored })
    setSource(stored)
    setRefusal(null)
    editor.current?.replace(stored)
  }
  // nothing was typed, so nothing is lost: what is live is shown
  useEffect(() => {
    if (differs && !dirty) takeTheirs()
  }, [differs, one.revision])

  const save = async (): Promise<boolean> => {
    if (saving) return false
    if (!dirty) return true
    setSaving(true)
    setRefusal(null)
    setRefused(null)
    try {
      const { warnings: _, ...saved } = await patchbay.functions.save(one.namespace, one.name, { source }, { revision: base.revision })
      setBase({ revision: saved.revision, source })
      queries.setQueryData(functionQuery(one).queryKey, saved)
      void functionChanged(one)
      tellDone(`Saved as revision ${saved.revision}. It is live.`)
      return true
    } catch (error) {
      const findings = refusedFindings(error)
      if (findings.length > 0) setRefused({ source, findings })
      setRefusal(error)
      if (error instanceof PatchbayProblem && error.code === 'precondition_failed')
        await queries.invalidateQueries({ queryKey: functionQuery(one).queryKey })
      return false
    } finally {
      setSaving(false)
    }
  }

  return {
    source,
    change: next => {
      setSource(next)
      // what was wrong with another text says nothing about this one
      if (refused !== null && next !== refused.source) {
        setRefused(null)
        setRefusal(null)
      }
    },
    dirty,
    saving,
    save,
    refusal,
    refused,
    overtaken: differs && dirty,
    keepMine: () => {
      setBase({ revision: one.revision, source: stored })
      setRefusal(null)
    },
    takeTheirs,
  }
}
