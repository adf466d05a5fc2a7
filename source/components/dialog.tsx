import {Box, Text} from 'ink';
import type {Dialog} from '../ui/state.ts';
import {wrapWords} from './fit.ts';
import {moreWords} from './pane.tsx';
import {partOf} from './part.ts';
import {TextField} from './text-field.tsx';
import {tones} from './theme.ts';

export interface DialogBoxProps {
	readonly dialog: Dialog;
	readonly columns: number;
	readonly rows: number;
	/** How often was turned on to the next part of it. */
	readonly turn: number;
}

/** How many lines stay in view as the title; what a longer one says besides goes on below. */
const mostTitle = 3;

function hints(dialog: Dialog): string {
	switch (dialog.kind) {
		case 'confirm':
			return 'y yes   n no';
		case 'field':
			return '⏎ done   Esc cancel';
		case 'import': {
			const {refusals} = dialog.login;
			const ways = [...(refusals.adopt ? [] : ['a adopt']), ...(refusals.link ? [] : ['l link'])];
			return [...ways, 'Esc cancel'].join('   ');
		}
	}
}

/** A question over the screen. It is drawn last, and covers what is under it. */
export function DialogBox({dialog, columns, rows, turn}: DialogBoxProps) {
	const width = Math.min(64, columns - 4);
	const inner = width - 4;
	const isDanger = dialog.kind === 'field' && dialog.danger;
	const titled = wrapWords(dialog.title, inner);
	const title = titled.slice(0, mostTitle);
	const fault = dialog.kind === 'field' && dialog.fault !== undefined ? wrapWords(dialog.fault, inner) : [];
	const fixed = 2 + title.length + Math.max(1, fault.length) + (dialog.kind === 'field' ? 1 : 0);
	const all = [...titled.slice(mostTitle), ...dialog.lines.flatMap(line => wrapWords(line, inner))];
	const room = rows - 2 - fixed;
	// Where not all fits, a line is for saying so.
	const {shown, range} = partOf(all, all.length > room ? room - 1 : room, turn);
	const height = fixed + shown.length + (range === undefined ? 0 : 1);
	return (
		<Box position="absolute" width={columns} height={rows} alignItems="center" justifyContent="center">
			<Box
				width={width}
				height={height}
				flexDirection="column"
				paddingX={1}
				borderStyle="round"
				backgroundColor="default"
				{...(isDanger && tones.bad.color ? {borderColor: tones.bad.color} : {})}
				aria-role="menu"
			>
				{title.map((line, index) => (
					<Text key={line + String(index)} bold wrap="truncate">
						{line}
					</Text>
				))}
				{shown.map((line, index) => (
					<Text key={line + String(index)} wrap="truncate">
						{line}
					</Text>
				))}
				{range !== undefined && (
					<Text dimColor wrap="truncate">
						{moreWords(range, 'PgDn')}
					</Text>
				)}
				{dialog.kind === 'field' && (
					<Box>
						<Text>{'> '}</Text>
						<TextField field={dialog.field} placeholder={dialog.placeholder ?? ''} width={inner - 2} />
					</Box>
				)}
				{fault.map((line, index) => (
					<Text key={line + String(index)} {...tones.bad} wrap="truncate">
						{line}
					</Text>
				))}
				{fault.length === 0 && (
					<Text dimColor wrap="truncate">
						{hints(dialog)}
					</Text>
				)}
			</Box>
		</Box>
	);
}
