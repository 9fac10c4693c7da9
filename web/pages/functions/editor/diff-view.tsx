import { unifiedMergeView } from '@codemirror/merge'
import { EditorState } from '@codemirror/state'
import { EditorView, lineNumbers } from '@codemirror/view'
import { useEffect, useRef } from 'react'
import { delugeLanguage } from './deluge-language.ts'
import { editorTheme } from './editor-theme.ts'
import classes from './editor.module.css'

interface Compared {
  readonly before: string
  readonly after: string
  readonly label: string
}

/** Two versions of a script as one text: what went and what came, line by line. */
export const DiffView = ({ before, after, label }: Compared) => {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const view = new EditorView({
      parent: box.current ?? document.body,
      state: EditorState.create({
        doc: after,
        extensions: [
          lineNumbers(),
          delugeLanguage(),
          editorTheme(),
          EditorState.readOnly.of(true),
          EditorState.tabSize.of(4),
          EditorView.contentAttributes.of({ tabindex: '0', 'aria-label': label }),
          unifiedMergeView({ original: before, mergeControls: false, collapseUnchanged: { margin: 3, minSize: 6 } }),
        ],
      }),
    })
    return () => view.destroy()
  }, [before, after, label])
  return <div ref={box} className={classes.diff} />
}
