import type { Extension } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { nonce } from '../../../nonce.ts'

/* Everything by variables of theme.css: the editor is light or dark with the page, without being made again. */

const surface = { backgroundColor: 'var(--surface)', color: 'var(--mantine-color-text)' }
const raised = { ...surface, border: '1px solid var(--rule-strong)', borderRadius: '6px', boxShadow: 'var(--mantine-shadow-md)' }

const look = EditorView.theme({
  '&': { ...surface, fontSize: '0.8125rem' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '1px' },
  '.cm-scroller': { fontFamily: 'var(--mantine-font-family-monospace)', lineHeight: '1.6' },
  '.cm-content, .cm-gutter': { minHeight: 'var(--editor-height, 0)' },
  '.cm-content': { caretColor: 'var(--accent)', padding: '10px 0' },
  '.cm-cursor, .cm-dropCursor': { borderLeftColor: 'var(--accent)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'var(--rule-strong)',
  },
  '.cm-gutters': { backgroundColor: 'var(--ground)', color: 'var(--quiet)', border: 'none', borderRight: '1px solid var(--rule)' },
  '.cm-lineNumbers .cm-gutterElement': { padding: '0 8px 0 12px' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'transparent' },
  '&.cm-focused .cm-activeLine': { backgroundColor: 'var(--hover)' },
  '&.cm-focused .cm-activeLineGutter': { color: 'var(--mantine-color-text)', backgroundColor: 'var(--hover)' },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--rule)', outline: '1px solid var(--control)' },
  '.cm-selectionMatch, .cm-searchMatch': { backgroundColor: 'var(--amber-ground)' },
  '.cm-searchMatch-selected': { outline: '1px solid var(--amber)' },
  '.cm-failedLine': { backgroundColor: 'var(--red-ground)', boxShadow: 'inset 3px 0 0 var(--red)' },
  '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--red)', textUnderlineOffset: '3px' },
  '.cm-lintRange-warning': { backgroundImage: 'none', textDecoration: 'underline wavy var(--amber)', textUnderlineOffset: '3px' },
  '.cm-lintPoint:after': { borderBottomColor: 'var(--red)' },
  '.cm-diagnostic': { padding: '6px 10px', fontFamily: 'var(--mantine-font-family)', maxWidth: '420px' },
  '.cm-diagnostic-error': { borderLeft: '3px solid var(--red)' },
  '.cm-diagnostic-warning': { borderLeft: '3px solid var(--amber)' },
  '.cm-suggestion': { display: 'block', color: 'var(--quiet)' },
  '.cm-tooltip': { ...raised, zIndex: '200' },
  '.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mantine-font-family-monospace)', maxHeight: '260px' },
  '.cm-tooltip-autocomplete > ul > li': { padding: '3px 10px', lineHeight: '1.5' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--accent-ground)', color: 'var(--accent)' },
  '.cm-completionDetail': { color: 'var(--quiet)', fontStyle: 'normal' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700' },
  '.cm-completionIcon': { color: 'var(--quiet)', opacity: '1' },
  '.cm-tooltip.cm-completionInfo': { ...raised, padding: '8px 12px', maxWidth: '360px', whiteSpace: 'pre-wrap' },
  '.cm-documentation': { padding: '8px 12px', maxWidth: '460px', fontFamily: 'var(--mantine-font-family)' },
  '.cm-documentation p': { margin: '2px 0 8px' },
  '.cm-documentation p:last-child': { marginBottom: '0' },
  '.cm-panels': { backgroundColor: 'var(--ground)', color: 'var(--mantine-color-text)' },
  '.cm-panels.cm-panels-top': { borderBottom: '1px solid var(--rule)' },
  '.cm-panels.cm-panels-bottom': { borderTop: '1px solid var(--rule)' },
  '.cm-panel input, .cm-panel button': { ...surface, border: '1px solid var(--control)', borderRadius: '4px', backgroundImage: 'none' },
  '.cm-changedLine, .cm-insertedLine': { backgroundColor: 'var(--green-ground)' },
  '.cm-deletedChunk': { backgroundColor: 'var(--red-ground)' },
  '&.cm-editor .cm-changedText, &.cm-editor .cm-deletedChunk .cm-deletedText, &.cm-editor .cm-insertedLine .cm-changedText': {
    background: 'none',
    textDecoration: 'underline',
    textDecorationThickness: '1px',
  },
  '&.cm-editor .cm-collapsedLines': { background: 'var(--hover)', color: 'var(--quiet)' },
  // its signs are in few fonts
  '.cm-collapsedLines:before, .cm-collapsedLines:after': { content: '"\u2026"' },
})

/** The nonce lets the editor's own stylesheet through our Content-Security-Policy. */
export const editorTheme = (): Extension => [EditorView.cspNonce.of(nonce), look]
