import {Box, Text} from 'ink';
import {clean} from '../auth/facts.ts';
import {wrapHanging, wrapWords} from '../components/fit.ts';
import {Pane} from '../components/pane.tsx';
import {type Column, Table} from '../components/table.tsx';
import {type Tone, tones} from '../components/theme.ts';
import type {Severity} from '../doctor/findings.ts';
import {asTyped} from '../suggested.ts';
import {cursorOf, doctorRows, selected} from '../ui/rows.ts';
import type {FindingRow, UiState} from '../ui/state.ts';
import {turnOf} from '../ui/turn.ts';
import type {ScreenProps} from './screen.ts';

/** The fewest lines that the list is left, its head included. */
const listLines = 4;

const looks: Readonly<Record<Severity, readonly [sign: string, tone: Tone]>> = {
	error: ['✗', 'bad'],
	warning: ['!', 'attention'],
	note: ['•', 'quiet'],
};

const columns: readonly Column<FindingRow>[] = [
	{
		title: 'FINDING',
		width: 22,
		dropFirst: 0,
		cell({finding: {id, severity}}) {
			const [sign, tone] = looks[severity];
			return {text: `${sign} ${id}`, tone};
		},
	},
	{
		title: 'WHERE',
		width: 20,
		flexible: true,
		dropFirst: 0,
		cell: ({finding}) => ({text: shortened(finding.where)}),
	},
	{
		title: 'MENDED',
		width: 8,
		dropFirst: 1,
		cell: ({finding}) => ({text: finding.mend ? 'by ⏎' : 'by you', tone: 'quiet'}),
	},
];

/** What is wrong around the credentials, the worst first, and what helps with the one under the cursor. */
export default function DoctorScreen({state, height}: ScreenProps) {
	const rows = doctorRows(state);
	const row = selected(state, 'doctor', rows);
	const width = state.size.columns;
	const lines = row ? adviceLines(row, width - 4, state.stateDir) : [];
	const room = height - 1 - listLines;
	const pane = lines.length === 0 || room < 3 ? 0 : Math.min(lines.length + 2, room);
	return (
		<Box flexDirection="column" height={height}>
			<Text wrap="truncate" dimColor>
				{`  ${headline(state)}`}
			</Text>
			<Table
				columns={columns}
				rows={rows}
				cursor={cursorOf(state, 'doctor', rows)}
				width={width}
				height={height - 1 - pane}
				empty={emptyWords(state)}
			/>
			{pane > 0 && (
				<Pane
					width={width}
					height={pane}
					turn={turnOf(state)}
					lines={lines.map(([text, tone], index) => (
						<Text key={String(index) + text} wrap="truncate" {...tones[tone]}>
							{text}
						</Text>
					))}
				/>
			)}
		</Box>
	);
}

function headline({findings = []}: UiState): string {
	const counts = (['error', 'warning', 'note'] as const).flatMap(severity => {
		const {length} = findings.filter(({finding}) => finding.severity === severity);
		return length === 0 ? [] : [`${length} ${severity}${length === 1 ? '' : 's'}`];
	});
	return counts.length === 0 ? 'Doctor' : `Doctor: ${counts.join(' · ')}, the worst first`;
}

function emptyWords({findings, filter}: UiState): string {
	if (!findings) return 'Looking …';
	return filter.text === '' ? '✓ Nothing is wrong.' : 'Nothing holds that. Esc shows all.';
}

// What tells one file from another is at the end of its path.
function shortened(where: string): string {
	return clean(where).replace(/^.*\/(agents|plugins|locks|journal|pending-logins)\//, '…/$1/');
}

function adviceLines(
	{finding: {where, what, next, mend}}: FindingRow,
	width: number,
	stateDir: string | undefined,
): [string, Tone][] {
	const told = [where, what].flatMap(text => wrapWords(clean(text), width));
	const helps = wrapHanging(
		`${mend ? '⏎' : '→'}  ${clean(mend ? mend.what : asTyped(next, stateDir))}`,
		width,
	);
	return [
		...told.map((text): [string, Tone] => [text, 'plain']),
		...helps.map((text): [string, Tone] => [text, 'good']),
	];
}
