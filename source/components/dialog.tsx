import {Box, Text} from 'ink';
import {clean} from '../auth/facts.ts';
import type {Dialog} from '../ui/state.ts';
import {wrapWords} from './fit.ts';
import {TextField} from './text-field.tsx';
import {tones} from './theme.ts';

export interface DialogBoxProps {
	readonly dialog: Dialog;
	readonly columns: number;
	readonly rows: number;
}

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
export function DialogBox({dialog, columns, rows}: DialogBoxProps) {
	const width = Math.min(64, columns - 4);
	const inner = width - 4;
	const isDanger = dialog.kind === 'field' && dialog.danger;
	const lines = dialog.lines.flatMap(line => wrapWords(line, inner));
	const height = lines.length + 4 + (dialog.kind === 'field' ? 1 : 0);
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
				<Text bold wrap="truncate">
					{clean(dialog.title)}
				</Text>
				{lines.map(line => (
					<Text key={line} wrap="truncate">
						{line}
					</Text>
				))}
				{dialog.kind === 'field' && (
					<Box>
						<Text>{'> '}</Text>
						<TextField field={dialog.field} placeholder={dialog.placeholder ?? ''} width={inner - 2} />
					</Box>
				)}
				{dialog.kind === 'field' && dialog.fault !== undefined ? (
					<Text {...tones.bad} wrap="truncate">
						{dialog.fault}
					</Text>
				) : (
					<Text dimColor wrap="truncate">
						{hints(dialog)}
					</Text>
				)}
			</Box>
		</Box>
	);
}
