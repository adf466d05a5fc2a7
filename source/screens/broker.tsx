import {Box, Text} from 'ink';
import {clean} from '../auth/facts.ts';
import type {BrokerFacts} from '../broker/contract.ts';
import {around, wrapWords} from '../components/fit.ts';
import {Pane} from '../components/pane.tsx';
import {Problem} from '../components/problem.tsx';
import {type Column, Table} from '../components/table.tsx';
import {tones} from '../components/theme.ts';
import {asTyped} from '../suggested.ts';
import {type ClientRow, clientRows, cursorOf, selected} from '../ui/rows.ts';
import type {UiState} from '../ui/state.ts';
import {turnOf} from '../ui/turn.ts';
import {ago, clockTime, span} from '../words.ts';
import type {ScreenProps} from './screen.ts';

/** The fewest lines that the list is left, its head included. */
const listLines = 4;

const columns = (state: UiState): readonly Column<ClientRow>[] => [
	{
		title: 'PROGRAM',
		width: 14,
		flexible: true,
		dropFirst: 0,
		cell: ({client: {command, name}}) => ({text: name === undefined ? command : `${command} (${name})`}),
	},
	{
		title: 'PID',
		width: 8,
		align: 'right',
		dropFirst: 1,
		cell: ({client}) => ({text: client.pid === undefined ? '–' : String(client.pid), tone: 'quiet'}),
	},
	{
		title: 'UID',
		width: 6,
		align: 'right',
		dropFirst: 3,
		cell: ({client}) => ({text: client.uid === undefined ? '–' : String(client.uid), tone: 'quiet'}),
	},
	{
		title: 'ASKED',
		width: 9,
		align: 'right',
		dropFirst: 0,
		cell: ({client}) => ({text: String(client.requests)}),
	},
	{
		title: 'LAST GOT',
		width: 16,
		flexible: true,
		dropFirst: 0,
		cell: ({client: {got, lastError}}) => {
			if (lastError !== undefined) return {text: `✗ ${lastError}`, tone: 'bad'};
			return got[0] ? {text: got[0].profileId} : {text: 'nothing yet', tone: 'quiet'};
		},
	},
	{
		title: 'LAST',
		width: 10,
		align: 'right',
		dropFirst: 2,
		cell: ({client}) => ({text: ago(client.lastAt, state.now), tone: 'quiet'}),
	},
];

/** Whether the broker runs, and which programs asked it for what. */
export default function BrokerScreen({state, height}: ScreenProps) {
	const {broker} = state;
	const width = state.size.columns;
	if (!broker) return <Lines lines={['Asking the broker …']} width={width} height={height} />;
	if ('problem' in broker)
		return <Problem problem={broker.problem} stateDir={state.stateDir} width={width} height={height} />;
	if (!broker.running)
		return <Lines lines={howToStart(broker.socket, state.stateDir)} width={width} height={height} />;
	const rows = clientRows(state);
	const row = selected(state, 'broker', rows);
	const got = row ? gotLines(row, state.now).flatMap(line => wrapWords(line, width - 4)) : [];
	const head = headLines(broker, state.now, width);
	const room = height - head.length - listLines;
	const pane = got.length === 0 || room < 3 ? 0 : Math.min(got.length + 2, room);
	return (
		<Box flexDirection="column" height={height}>
			<Text wrap="truncate">
				{'  '}
				{broker.peerCheck ? (
					<Text {...tones.good}>✓ the broker runs</Text>
				) : (
					<Text {...tones.attention}>! the broker runs, and does not look which user asks</Text>
				)}
				{broker.secretsDegraded ? <Text {...tones.attention}>{'   ! secret refs are degraded'}</Text> : null}
				{`   ${clean(broker.socket)}`}
			</Text>
			{head.slice(1).map(line => (
				<Text key={line} wrap="truncate" dimColor>{`  ${line}`}</Text>
			))}
			<Table
				columns={columns(state)}
				rows={rows}
				cursor={cursorOf(state, 'broker', rows)}
				width={width}
				height={height - head.length - pane}
				empty={
					state.filter.text === ''
						? 'Nobody has asked yet. Press y to copy a line that does.'
						: 'Nothing holds that. Esc shows all.'
				}
			/>
			{pane > 0 && (
				<Pane
					width={width}
					height={pane}
					turn={turnOf(state)}
					lines={got.map((line, index) => (
						<Text key={line + String(index)} wrap="truncate">
							{line}
						</Text>
					))}
				/>
			)}
		</Box>
	);
}

function Lines({
	lines,
	width,
	height,
}: {
	readonly lines: readonly string[];
	readonly width: number;
	readonly height: number;
}) {
	const all = ['', ...lines].flatMap(line => {
		const [indent = ''] = /^ */.exec(line) ?? [];
		const wrapped = wrapWords(line.trim(), width - 4 - indent.length);
		return line === '' ? [' '] : wrapped.map(one => indent + one);
	});
	// Where there is no room, that between the lines goes first.
	const shown = all.length <= height ? all : all.filter(line => line !== ' ').slice(0, height);
	return (
		<Box flexDirection="column" height={height} paddingX={2}>
			{shown.map((line, index) => (
				<Text key={line + String(index)} wrap="truncate">
					{line}
				</Text>
			))}
		</Box>
	);
}

function howToStart(socket: string, stateDir: string | undefined): string[] {
	return [
		'No broker runs.',
		'',
		'It hands out tokens on a Unix socket to programs that ask often, tells them when one changes, and shows here who asked. Start it in another terminal:',
		'',
		asTyped('  jarvis broker --keep-fresh', stateDir),
		'',
		asTyped('or as a service:  jarvis broker install --keep-fresh', stateDir),
		'',
		`It will listen at ${socket}`,
	];
}

function headLines(broker: BrokerFacts, now: number, columns: number): string[] {
	const {startedAt, pid, connections, requests, refused, renewals, keepFresh} = broker;
	const [next] = renewals;
	const renewal = next
		? around(
				'keeps fresh: ',
				clean(`${next.agentId}/${next.profileId}`),
				clean(` is renewed in ${span(next.at - now)}${next.failed ? `, after ${next.failed}` : ''}`),
				columns - 2,
			)
		: 'keeps fresh: nothing is about to run out';
	return [
		'',
		[
			`pid ${pid}, for ${span(now - startedAt)}`,
			`asked ${requests}`,
			`${connections} open`,
			`${refused} refused`,
		].join(' · '),
		...(keepFresh ? [renewal] : []),
	];
}

function gotLines({client}: ClientRow, now: number): string[] {
	const {got, subscriptions, firstAt} = client;
	const streams = subscriptions === 1 ? '1 subscription' : `${subscriptions} subscriptions`;
	return [
		`asks since ${clockTime(firstAt)}${subscriptions > 0 ? `, ${streams}` : ''}`,
		...got.map(
			({agentId, profileId, times, lastAt}) =>
				`${agentId}/${profileId}  ${times} ${times === 1 ? 'time' : 'times'}, the last one ${ago(lastAt, now)}`,
		),
	];
}
