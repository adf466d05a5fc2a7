import {Box, Text, Transform} from 'ink';
import {useEffect, useState} from 'react';
import {clean} from '../auth/facts.ts';
import type {AskingState, DeviceState, LoginResult, WaitingState} from '../auth/login/contract.ts';
import {looksOf} from '../auth/login/secret-form.ts';
import {isSecretMethod} from '../auth/providers/contract.ts';
import {qrLines} from '../qr-code.ts';
import {emptyText} from '../ui/edited-text.ts';
import {callbackPort, callbackWays} from '../ui/login-ways.ts';
import type {LoginView, UiState} from '../ui/state.ts';
import {turnOf} from '../ui/turn.ts';
import {span} from '../words.ts';
import {wrapWords} from './fit.ts';
import {Lines} from './lines.tsx';
import {moreWords} from './pane.tsx';
import {partOf} from './part.ts';
import {TextField} from './text-field.tsx';
import {tones} from './theme.ts';

type Running = Extract<LoginView, {stage: 'running'}>;

/** A login under way or over: link, code or question, waiting, outcome. */
export function LoginAttempt({
	state,
	view,
	height,
}: {
	readonly state: UiState;
	readonly view: Running;
	readonly height: number;
}) {
	const login = view.login.state();
	const width = state.size.columns;
	const provider = clean(view.login.provider.label);
	return (
		<Box flexDirection="column">
			<Text wrap="truncate">
				{`  ${provider} for the agent `}
				<Text bold>{view.login.agentId}</Text>
				{view.request.profileId ? ` as ${clean(view.request.profileId)}` : ''}
			</Text>
			{login.step === 'preparing' && <Lines text="Asking the authorization server…" width={width} />}
			{login.step === 'waiting' && <Waiting state={state} view={view} login={login} height={height - 1} />}
			{login.step === 'device' && <Device state={state} login={login} height={height - 1} />}
			{login.step === 'asking' && <Asking state={state} view={view} login={login} height={height - 1} />}
			{login.step === 'exchanging' && <Lines text={login.text ?? 'Finishing the login…'} width={width} />}
			{login.step === 'done' && (
				<>
					<Lines text={doneWords(login.result, state.now)} width={width} tone="good" />
					{login.result.note && <Lines text={`! ${login.result.note}`} width={width} tone="attention" />}
				</>
			)}
			{login.step === 'failed' && (
				<>
					<Lines text={`✗ ${login.error.message}`} width={width} tone="bad" />
					<Lines text={login.error.next} width={width} />
				</>
			)}
			{login.step === 'cancelled' && <Lines text="Cancelled. Nothing was stored." width={width} />}
		</Box>
	);
}

function Waiting({
	state,
	view,
	login,
	height,
}: {
	readonly state: UiState;
	readonly view: Running;
	readonly login: WaitingState;
	readonly height: number;
}) {
	const {columns} = state.size;
	const left = span(login.until - state.now, 'fine');
	const port = callbackPort(login);
	// The link and the field come before the words about them where there is no room for all.
	const spare = height - Math.ceil(login.url.length / columns) - 2;
	const noteLines =
		view.note === undefined ? [] : wrapWords(`! ${view.note}`, columns - 4).slice(0, Math.max(1, spare));
	const ways = fittingWays(callbackWays(state, login), columns - 4, spare - noteLines.length - 1);
	return (
		<Box flexDirection="column">
			{spare - noteLines.length >= 1 && (
				<Text wrap="truncate" dimColor>
					{login.browser === 'opened'
						? '  If no page came up in your browser, open this link:'
						: '  Open this link in a browser:'}
				</Text>
			)}
			{spare >= 0 ? (
				<Link url={login.url} width={columns} />
			) : (
				<Text wrap="truncate">{'  The link is longer than this window: y copies it, u shows it alone.'}</Text>
			)}
			<Text wrap="truncate">{`  ${waitWords(login, port, left)}`}</Text>
			{ways.map(line => (
				<Text key={line} wrap="truncate" dimColor>
					{`  ${line}`}
				</Text>
			))}
			<Box flexShrink={0}>
				<Text>{'  > '}</Text>
				{view.field ? (
					<TextField field={view.field} placeholder="paste it, then Enter" width={columns - 5} />
				) : (
					<Text dimColor wrap="truncate">
						or paste the address that the browser ends at
					</Text>
				)}
			</Box>
			{noteLines.map(line => (
				<Text key={line} {...tones.attention} wrap="truncate">
					{`  ${line}`}
				</Text>
			))}
		</Box>
	);
}

// What has no room is shown with the link alone.
function fittingWays(ways: readonly string[], columns: number, room: number): readonly string[] {
	const lines = ways.flatMap(line => wrapWords(line, columns));
	if (lines.length <= room) return lines;
	const kept: string[] = [];
	// A command that is cut is none.
	for (const way of ways.map(line => wrapWords(line, columns))) {
		if (kept.length + way.length >= room) break;
		kept.push(...way);
	}
	return room <= 0 ? [] : [...kept, '… u shows how a browser elsewhere comes back to here'];
}

function waitWords(login: WaitingState, port: string, left: string): string {
	if (login.listening) return `… ${left} for the browser to come back to ${login.redirectUri}`;
	if (login.instructions) return `… ${left}: ${clean(login.instructions)}`;
	if (port === '') return `… ${left} to paste`;
	return `! ${left} to paste: port ${port} is taken, so the browser's last page will not load`;
}

function doneWords({profileId, kind, expires}: LoginResult, now: number): string {
	if (kind !== 'oauth' && kind !== undefined) {
		return `✓ ${profileId} is stored${expires ? `, good for ${span(expires - now)}` : ''}.`;
	}
	const renewal = expires ? `, good for ${span(expires - now)} and then refreshed` : '';
	return `✓ Logged in. ${profileId} is stored${renewal}.`;
}

/** The code large, where to type it, and the same as a QR code where there is room. */
function Device({
	state,
	login,
	height,
}: {
	readonly state: UiState;
	readonly login: DeviceState;
	readonly height: number;
}) {
	const {columns} = state.size;
	const url = login.verificationUriComplete ?? login.verificationUri;
	const qr = useQrCode(url);
	const spare = height - 7 - Math.ceil(login.verificationUri.length / columns);
	const showsQr = qr.length > 0 && qr.length <= spare && (qr[0]?.length ?? 0) <= columns;
	return (
		<Box flexDirection="column">
			<Text> </Text>
			<Text wrap="truncate">{'  On any device, open'}</Text>
			<Link url={login.verificationUri} width={columns} />
			<Text wrap="truncate">{'  and type the code'}</Text>
			<Text> </Text>
			<Text wrap="truncate" bold>
				{`      ${[...clean(login.userCode)].join(' ')}`}
			</Text>
			<Text> </Text>
			<Text wrap="truncate">
				{`  … ${span(login.until - state.now, 'fine')} until the code runs out${login.browser === 'opened' ? '; a browser was opened' : ''}`}
			</Text>
			{showsQr &&
				qr.map((line, index) => (
					<Text key={line + String(index)} wrap="truncate" aria-hidden>
						{line}
					</Text>
				))}
		</Box>
	);
}

function useQrCode(url: string): readonly string[] {
	const [code, setCode] = useState<{readonly url: string; readonly lines: readonly string[]}>();
	useEffect(() => {
		void qrLines(url).then(lines => setCode({url, lines}));
	}, [url]);
	return code?.url === url ? code.lines : [];
}

/** A question, with the field for its answer; a secret is shown as dots, and what can be told of it beside. */
function Asking({
	state,
	view,
	login,
	height,
}: {
	readonly state: UiState;
	readonly view: Running;
	readonly login: AskingState;
	readonly height: number;
}) {
	const {columns} = state.size;
	const field = view.field ?? emptyText;
	const {method} = view.login;
	const looks = login.secret && isSecretMethod(method) ? looksOf(field.text, method) : '';
	const lineCount = (text: string | undefined) =>
		text === undefined ? 0 : wrapWords(text, columns - 4).length;
	const note = view.note === undefined ? undefined : `! ${view.note}`;
	const taken = 2 + lineCount(login.message) + lineCount(login.hint) + lineCount(note) + Number(looks !== '');
	const choices = (login.options ?? []).map(({label}, index) => `${index + 1}. ${clean(label)}`);
	const room = Math.max(2, height - taken);
	const {shown: options, range} = partOf(choices, choices.length > room ? room - 1 : room, turnOf(state));
	const shown = login.secret ? {text: '•'.repeat(field.text.length), cursor: field.cursor} : field;
	return (
		<Box flexDirection="column">
			<Text> </Text>
			<Lines text={login.message} width={columns} />
			{login.hint && <Lines text={login.hint} width={columns} tone="quiet" />}
			{options.map(line => (
				<Text key={line} wrap="truncate">
					{`  ${line}`}
				</Text>
			))}
			{range !== undefined && <Text wrap="truncate" dimColor>{`  ${moreWords(range, 'PgDn')}`}</Text>}
			<Box flexShrink={0}>
				<Text>{'  > '}</Text>
				<TextField
					field={shown}
					placeholder={
						login.placeholder ?? (login.mayBeEmpty ? 'Enter leaves it empty' : 'paste it, then Enter')
					}
					width={columns - 5}
				/>
			</Box>
			{looks !== '' && (
				<Text wrap="truncate" dimColor>
					{`  ${looks}`}
				</Text>
			)}
			{note !== undefined && <Lines text={note} width={columns} tone="attention" />}
		</Box>
	);
}

/**
 * The whole link, from edge to edge and with nothing beside it, so that it can be copied off the screen.
 * Each row is the same hyperlink (OSC 8): terminals that know them open it wherever it is clicked.
 */
function Link({url, width}: {readonly url: string; readonly width: number}) {
	const rows = Array.from({length: Math.ceil(url.length / width)}, (_, row) =>
		url.slice(row * width, (row + 1) * width),
	);
	return (
		<Box flexDirection="column" flexShrink={0}>
			{rows.map((row, index) => (
				<Transform
					key={row + String(index)}
					transform={text => `\u001b]8;id=login;${url}\u0007${text}\u001b]8;;\u0007`}
				>
					<Text wrap="truncate" underline>
						{row}
					</Text>
				</Transform>
			))}
		</Box>
	);
}
