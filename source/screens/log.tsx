import {Box, Text} from 'ink';
import {logDetails, logWords} from '../auth/log-words.ts';
import {fit, labelled} from '../components/fit.ts';
import {Pane} from '../components/pane.tsx';
import {type Column, Table} from '../components/table.tsx';
import {cursorOf, logRows, selected} from '../ui/rows.ts';
import type {LogRow, UiState} from '../ui/state.ts';
import {turnOf} from '../ui/turn.ts';
import type {ScreenProps} from './screen.ts';

/** The fewest lines that the list is left, its head included. */
const listLines = 4;

const labelWidth = 10;

// Where there is no colour, the sign tells.
const signs = {good: '✓', bad: '✗', plain: ' '} as const;

const columns = (state: UiState): readonly Column<LogRow>[] => [
	{
		title: 'TIME',
		width: isNarrow(state) ? 8 : 14,
		dropFirst: 0,
		cell({entry}) {
			const {time} = logWords(entry);
			return {text: time.slice(isNarrow(state) ? 11 : 5), tone: 'quiet'};
		},
	},
	{
		title: 'EVENT',
		width: 18,
		dropFirst: 0,
		cell({entry}) {
			const tone = toneOf(entry.event);
			return {text: `${signs[tone]} ${logWords(entry).event}`, tone};
		},
	},
	{
		title: 'OF',
		width: 20,
		flexible: true,
		dropFirst: 0,
		cell: ({entry}) => ({text: logWords(entry).subject}),
	},
	{
		title: 'BY',
		width: 24,
		flexible: true,
		dropFirst: 2,
		cell: ({entry}) => ({text: logWords(entry).by, tone: 'quiet'}),
	},
	{title: 'NOTE', width: 14, flexible: true, dropFirst: 3, cell: ({entry}) => ({text: logWords(entry).note})},
];

// The year is in the details, and the day where it does not fit.
function isNarrow({size}: UiState): boolean {
	return size.columns < 100;
}

/** What was done with credentials, the newest first, and new entries as they come. */
export default function LogScreen({state, height}: ScreenProps) {
	const rows = logRows(state);
	const row = selected(state, 'log', rows);
	const told = row && state.logDetails ? logDetails(row.entry) : [];
	const lines = told.flatMap(([label, text]) => labelled(label, text, state.size.columns - 4 - labelWidth));
	const room = height - 1 - listLines;
	const pane = lines.length === 0 || room < 3 ? 0 : Math.min(lines.length + 2, room);
	return (
		<Box flexDirection="column" height={height}>
			<Text wrap="truncate" dimColor>
				{'  newest first, each as it comes; all of them: jarvis log'}
			</Text>
			<Table
				columns={columns(state)}
				rows={rows}
				cursor={cursorOf(state, 'log', rows)}
				width={state.size.columns}
				height={height - 1 - pane}
				empty={
					state.filter.text === ''
						? 'Nothing has been done yet.'
						: 'Nothing among the newest holds that. Esc shows all.'
				}
			/>
			{pane > 0 && (
				<Pane
					width={state.size.columns}
					height={pane}
					turn={turnOf(state)}
					lines={lines.map(([label, text], index) => (
						<Text key={label + String(index)} wrap="truncate">
							<Text dimColor>{fit(label, labelWidth)}</Text>
							{text}
						</Text>
					))}
				/>
			)}
		</Box>
	);
}

function toneOf(event: string): keyof typeof signs {
	if (event.endsWith('_failed') || event === 'failure_reported') return 'bad';
	if (event === 'login' || event === 'refreshed') return 'good';
	return 'plain';
}
