import {StringDecoder} from 'node:string_decoder';
import type {AskingState, Login, WaitingState} from '../auth/login/contract.ts';
import {isOneSecret, joinedSecret, looksOf, mayBeCut} from '../auth/login/secret-form.ts';
import {isCodeMethod, isSecretMethod, type SecretMethod} from '../auth/providers/contract.ts';
import {asJarvisError, JarvisError} from '../errors.ts';
import {openTerminalLine} from '../host/terminal-line.ts';
import type {CommandContext} from './command.ts';

type Question = AskingState | WaitingState;

/** What is typed or piped, on its way to the login. */
export interface LoginInput {
	readonly refusedForGood: Promise<never>;
	/** Makes the terminal fit for what is asked, and hands over what came before. */
	expect(question: Question): void;
	stop(): Promise<void>;
}

/** How long (ms) after a line the next one may still belong to the same paste: a wrapped URL has several. */
const pasteGapMs = 80;

/** How long (ms) a terminal must be quiet before it goes back to the shell, where it has marked no paste. */
const unmarkedQuietMs = 500;

/** Hands what is typed or piped to the login, a paste of several lines at once. */
export function readInput(context: CommandContext, login: Login): LoginInput {
	return context.stdin.isTTY ? readTerminal(context, login) : readPipe(context, login);
}

/**
 * Asks at the terminal for the address that the browser ended at.
 * @throws `login_cancelled` when the person ends the input
 */
export async function askForAddress({stdin, tell}: CommandContext): Promise<string> {
	const pasted = Promise.withResolvers<string>();
	const lines: string[] = [];
	let timer: NodeJS.Timeout | undefined;
	const cancel = () => pasted.reject(cancelled());
	const submit = () => pasted.resolve([...lines, line.take()].join('\n'));
	const line = openTerminalLine(stdin, {
		line: text => lines.push(text),
		pasted() {},
		heard() {
			clearTimeout(timer);
			if (lines.some(text => text.trim() !== '') && !line.isPasting()) timer = setTimeout(submit, pasteGapMs);
		},
		...{cancelled: cancel, ended: cancel},
	});
	tell('Paste the address that the browser ends at, and press Enter:');
	line.show(true);
	try {
		return await pasted.promise;
	} finally {
		clearTimeout(timer);
		await line.close(pasteGapMs);
	}
}

interface Delivery {
	/** What is asked and not answered yet. */
	open(): Question | undefined;
	expect(question: Question): void;
	/**
	 * Answers what is open.
	 * @param isLast whether nothing can correct it: what is wrong with it then ends the login, and is told there
	 * @returns what is wrong with it
	 */
	answer(text: string, isLast: () => boolean): Promise<JarvisError | undefined>;
}

function delivery(context: CommandContext, login: Login): Delivery {
	let open: Question | undefined;
	return {
		open: () => open,
		expect(question) {
			open = question;
		},
		async answer(text, isLast) {
			const asked = open;
			open = undefined;
			// What did not answer it leaves it asked, if nothing else is meanwhile.
			const ask = () => {
				if (login.state().step === asked?.step) open ??= asked;
			};
			try {
				const note = await login.paste(text);
				if (note) context.tell(note);
				// A link that ended another login.
				if (note && asked?.step === 'waiting') ask();
				return undefined;
			} catch (error) {
				const refused = asJarvisError(error);
				ask();
				// In JSON the one that ended it is told at the end, and nothing else is.
				if (!context.flags.json && !isLast()) context.tell(`${refused.message} ${refused.next}`);
				return refused;
			}
		},
	};
}

function readTerminal(context: CommandContext, login: Login): LoginInput {
	const {stdin, tell} = context;
	const answers = delivery(context, login);
	const forGood = refusal();
	const lines: string[] = [];
	let timer: NodeJS.Timeout | undefined;
	let hasEnded = false;
	let hasMarked = false;
	let hasAnswered = false;
	/** Whether the person has seen how the secret in the line looks. */
	let isLookedAt = false;
	/** A secret that may have been cut, and whose rest may come. */
	let held: string | undefined;

	const submit = async () => {
		const question = answers.open();
		// What comes before anybody asks is kept for who does.
		if (!question || line.isPasting()) return;
		let text = [...lines.splice(0), line.take()].join('\n');
		const method = secretAsked(login, question);
		if (method && !hasEnded) {
			if (held !== undefined) text = joinedSecret(held, text, method);
			else if (!isLookedAt && mayBeCut(text, method)) {
				held = text;
				tell(`${looksOf(text, method)}.`);
				tell('Paste the rest of it, or press Enter to keep it as it is.');
				return;
			}
		}
		held = undefined;
		isLookedAt = false;
		if (text.trim() === '' && question.step === 'waiting') return;
		// What is typed meanwhile may be the next answer, and that a secret.
		line.show(false);
		const refused = await answers.answer(text, () => hasEnded);
		hasAnswered ||= refused === undefined;
		showLine();
		if (hasEnded && refused && answers.open()) forGood.reject(refused);
		else submitSoon();
	};
	const showLine = () => {
		const question = answers.open();
		line.show(question !== undefined && (question.step === 'waiting' || !question.secret));
	};
	const submitSoon = () => {
		clearTimeout(timer);
		if (lines.length > 0) timer = setTimeout(submit, pasteGapMs);
	};
	const line = openTerminalLine(stdin, {
		line: text => lines.push(text),
		heard: submitSoon,
		pasted(text) {
			hasMarked = true;
			const question = answers.open();
			const method = question && secretAsked(login, question);
			if (!method || text.trim() === '') return;
			isLookedAt = true;
			tell(
				`${looksOf(held === undefined ? text : joinedSecret(held, text, method), method)}. Enter takes it.`,
			);
		},
		cancelled: login.cancel,
		ended() {
			hasEnded = true;
			clearTimeout(timer);
			void submit();
		},
	});
	return {
		refusedForGood: forGood.promise,
		expect(question) {
			answers.expect(question);
			showLine();
			if (hasEnded) void submit();
			else submitSoon();
		},
		async stop() {
			clearTimeout(timer);
			const behind = lines.join('').trim().length;
			const dropped = behind + (await line.close(hasMarked ? pasteGapMs : unmarkedQuietMs));
			if (dropped > 0 && hasAnswered)
				tell(`${dropped} more characters came, and were dropped: what was pasted may have been cut.`);
		},
	};
}

function readPipe(context: CommandContext, login: Login): LoginInput {
	const {stdin} = context;
	const answers = delivery(context, login);
	const forGood = refusal();
	const decoder = new StringDecoder('utf8');
	let pending = '';
	let timer: NodeJS.Timeout | undefined;
	let hasEnded = false;
	let hasAnswered = false;
	let refused: JarvisError | undefined;

	const submit = async () => {
		const question = answers.open();
		if (!question) return;
		const isLine = isOneOfSeveral(login, question);
		const text = isLine ? firstLine(pending) : pending;
		const isAnswer = text.trim() !== '' || (question.step === 'asking' && (hasEnded || hasLine(text)));
		const method = secretAsked(login, question);
		if (method && !isOneSecret(text, method)) return forGood.reject(severalSecrets());
		pending = pending.slice(text.length);
		// A pipe that ended cannot be corrected, nor can a line behind which the next answers stand already.
		const isLast = () => hasEnded || (isLine && pending !== '');
		if (isAnswer) {
			refused = await answers.answer(text, isLast);
			hasAnswered ||= refused === undefined;
		} else if (hasEnded && endsByPasteAlone(login, question)) refused ??= noCode();
		if (refused && isLast() && answers.open()) forGood.reject(refused);
		else if (isAnswer) submitSoon();
	};
	const submitSoon = () => {
		clearTimeout(timer);
		const question = answers.open();
		if (!question) return;
		if (hasEnded) void submit();
		else if (hasLine(pending)) {
			if (isOneOfSeveral(login, question)) void submit();
			else timer = setTimeout(submit, pasteGapMs);
		}
	};
	const onData = (chunk: Buffer) => {
		pending += decoder.write(chunk);
		submitSoon();
	};
	const onEnd = () => {
		hasEnded = true;
		submitSoon();
	};
	stdin.on('data', onData);
	stdin.on('end', onEnd);
	return {
		refusedForGood: forGood.promise,
		expect(question) {
			answers.expect(question);
			submitSoon();
		},
		async stop() {
			clearTimeout(timer);
			stdin.removeListener('data', onData);
			stdin.removeListener('end', onEnd);
			stdin.pause();
			const left = pending.split(/\r\n|\r|\n/).filter(line => line.trim() !== '').length;
			if (hasAnswered && left > 0) {
				context.tell(
					`Nothing asked for the last ${left === 1 ? 'line' : `${left} lines`} of standard input.`,
				);
			}
		},
	};
}

/** The kind of secret that is asked for, where it is one whose form is known. */
function secretAsked({method}: Login, question: Question): SecretMethod | undefined {
	return question.step === 'asking' && question.secret && isSecretMethod(method) ? method : undefined;
}

// A login by a secret asks for that alone, and a link comes last: they take all lines, as a paste that was wrapped.
function isOneOfSeveral({method}: Login, {step}: Question): boolean {
	return step === 'asking' && !isSecretMethod(method);
}

function cancelled(): JarvisError {
	return new JarvisError(
		'login_cancelled',
		'Cancelled. The login waits on.',
		'Paste the address when you have it.',
	);
}

// Any other link may still end by the browser that comes back, or by `models auth finish`.
function endsByPasteAlone({method}: Login, question: Question): boolean {
	return question.step === 'waiting' && !question.listening && isCodeMethod(method);
}

function severalSecrets(): JarvisError {
	return new JarvisError(
		'secret_malformed',
		'Standard input holds several lines that are no wrapped secret. Nothing was stored.',
		'Give the line that is meant alone, for example through `head -1`.',
	);
}

function noCode(): JarvisError {
	return new JarvisError(
		'login_paste_unreadable',
		'Standard input ended, and held nothing for the link.',
		'Give what the link ends at as the last line, or log in at a terminal.',
	);
}

function hasLine(text: string): boolean {
	return /[\r\n]/.test(text);
}

function firstLine(text: string): string {
	return /^.*?(?:\r\n|\r|\n|$)/s.exec(text)?.[0] ?? '';
}

function refusal() {
	const refused = Promise.withResolvers<never>();
	refused.promise.catch(() => {});
	return refused;
}
