import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { bracketMatching, indentOnInput, indentUnit } from '@codemirror/language'
import { linter, lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint'
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search'
import { EditorState, Prec, StateEffect, StateField, type Extension } from '@codemirror/state'
import {
  Decoration,
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  type DecorationSet,
} from '@codemirror/view'
import { useEffect, useImperativeHandle, useRef, type Ref } from 'react'
import { completionSource, type Offered } from './completion.ts'
import { delugeLanguage } from './deluge-language.ts'
import { editorTheme } from './editor-theme.ts'
import { diagnosticOf, withoutRepeats, type Finding } from './findings.ts'
import { hoverDocumentation } from './hover.ts'
import classes from './editor.module.css'

export interface EditorHandle {
  /** Puts the cursor at a line, from 1, and shows it. */
  readonly goTo: (line: number) => void
  /** Another text in place of the whole; it can be undone. */
  readonly replace: (source: string) => void
}

interface Shown {
  /** At first; later texts are the editor's own, or come by `replace`. */
  readonly initial: string
  readonly label: string
  readonly describedBy?: string | undefined
  readonly readOnly?: boolean
  readonly onChange: (source: string) => void
  readonly onSave?: (() => void) | undefined
  readonly onRun?: (() => void) | undefined
  /** Everything wrong with a source; asked for when the typing pauses. */
  readonly check: (source: string) => Promise<readonly Finding[]>
  readonly onFindings: (findings: readonly Finding[]) => void
  /** Refused when `source` was saved: stands until it is changed. */
  readonly refused?: { readonly source: string; readonly findings: readonly Finding[] } | null
  /** Where a run failed, from 1; until the text changes. */
  readonly failedLine?: number | null
  readonly connections: () => Promise<readonly Offered[]>
  readonly handle?: Ref<EditorHandle>
}

const checkAfterMs = 350

const setFailedLine = StateEffect.define<number | null>()
const failedLineField = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    if (transaction.docChanged) return Decoration.none
    for (const effect of transaction.effects)
      if (effect.is(setFailedLine)) {
        const { doc } = transaction.state
        if (effect.value === null || effect.value < 1 || effect.value > doc.lines) return Decoration.none
        return Decoration.set(Decoration.line({ class: 'cm-failedLine' }).range(doc.line(effect.value).from))
      }
    return marks
  },
  provide: field => EditorView.decorations.from(field),
})

/**
 * Typing over several lines, done here: a browser that joins them itself writes style attributes, which our Content-Security-Policy refuses.
 */
const overLines = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { from, to } = view.state.selection.main
    const text = event.data ?? ''
    if (
      event.inputType !== 'insertText' ||
      view.composing ||
      view.state.readOnly ||
      !view.state.sliceDoc(from, to).concat(text).includes('\n')
    )
      return false
    event.preventDefault()
    const insert = () => view.state.update(view.state.replaceSelection(text), { userEvent: 'input.type', scrollIntoView: true })
    if (!view.state.facet(EditorView.inputHandler).some(handler => handler(view, from, to, text, insert))) view.dispatch(insert())
    return true
  },
})

const stillness = () => window.matchMedia('(prefers-reduced-motion: reduce)').matches

const basics = (): readonly Extension[] => [
  lineNumbers(),
  highlightActiveLineGutter(),
  highlightSpecialChars(),
  history(),
  drawSelection(stillness() ? { cursorBlinkRate: 0 } : {}),
  indentOnInput(),
  bracketMatching(),
  closeBrackets(),
  highlightActiveLine(),
  highlightSelectionMatches(),
  indentUnit.of('\t'),
  EditorState.tabSize.of(4),
  keymap.of([
    ...closeBracketsKeymap,
    ...defaultKeymap,
    ...searchKeymap,
    ...historyKeymap,
    ...completionKeymap,
    ...lintKeymap,
    indentWithTab,
  ]),
]

/** A script in an editor: Tab indents, and Escape before it leaves. */
export const CodeEditor = (props: Shown) => {
  const { initial, label, describedBy, readOnly = false, refused = null, failedLine = null, handle } = props
  const box = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | null>(null)
  const now = useRef(props)
  useEffect(() => {
    now.current = props
  })

  useEffect(() => {
    const findingsOf = async (source: string) => {
      const found = await now.current.check(source)
      const again = now.current.refused?.source === source ? now.current.refused.findings : []
      return withoutRepeats([...found, ...again])
    }
    const made = new EditorView({
      parent: box.current ?? document.body,
      state: EditorState.create({
        doc: initial,
        extensions: [
          basics(),
          delugeLanguage(),
          editorTheme(),
          hoverDocumentation(),
          failedLineField,
          EditorState.readOnly.of(readOnly),
          EditorView.contentAttributes.of({
            tabindex: '0',
            'aria-label': label,
            ...(describedBy !== undefined && { 'aria-describedby': describedBy }),
          }),
          overLines,
          EditorView.updateListener.of(update => {
            if (update.docChanged) now.current.onChange(update.state.doc.toString())
          }),
          autocompletion({ override: [completionSource(() => now.current.connections())] }),
          ...(readOnly
            ? []
            : [
                lintGutter(),
                linter(
                  async ({ state }) => {
                    const findings = await findingsOf(state.doc.toString())
                    now.current.onFindings(findings)
                    return findings.map(one => diagnosticOf(state.doc, one))
                  },
                  { delay: checkAfterMs },
                ),
              ]),
          Prec.highest(
            keymap.of([
              { key: 'Mod-s', run: () => (now.current.onSave?.(), true), preventDefault: true },
              { key: 'Mod-Enter', run: () => (now.current.onRun?.(), true), preventDefault: true },
            ]),
          ),
        ],
      }),
    })
    view.current = made
    return () => {
      view.current = null
      made.destroy()
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps -- made once: its text is its own from then on, and the rest is read from `now`
  }, [])

  const goTo = (line: number) => {
    const editor = view.current
    if (!editor) return
    const { from } = editor.state.doc.line(Math.min(Math.max(line, 1), editor.state.doc.lines))
    editor.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: 'center' }) })
    editor.focus()
  }
  const replace = (source: string) => {
    const editor = view.current
    editor?.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: source } })
  }
  useImperativeHandle(handle, () => ({ goTo, replace }), [])

  useEffect(() => {
    const editor = view.current
    if (!editor || !refused || editor.state.doc.toString() !== refused.source) return
    const { doc } = editor.state
    editor.dispatch(
      setDiagnostics(
        editor.state,
        refused.findings.map(one => diagnosticOf(doc, one)),
      ),
    )
    now.current.onFindings(refused.findings)
    goTo(refused.findings[0]?.line ?? 1)
  }, [refused])

  useEffect(() => {
    view.current?.dispatch({ effects: setFailedLine.of(failedLine) })
  }, [failedLine])

  return <div ref={box} className={classes.editor} />
}
