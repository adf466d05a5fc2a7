import type {StatePaths} from '../store/paths.ts';
import {codexProgram} from './write-back-codex.ts';

/** Who is logged in with a program, as its own file says. */
export type Standing =
	| {readonly kind: 'nobody'}
	/** A token that the program cannot renew: what JARVIS writes. Nothing is lost with it. */
	| {readonly kind: 'token'; readonly account?: string; readonly access: string}
	/** A login of its own, with a refresh token. */
	| {
			readonly kind: 'login';
			readonly account?: string;
			readonly refresh: string;
			/** When its access token runs out (epoch ms), where that can be read. */
			readonly expires?: number;
	  }
	/** Something else, such as an API key. */
	| {readonly kind: 'other'; readonly what: string};

/** What is written for a program. There is no refresh token in it: whoever has none cannot spend one. */
export interface StepLogin {
	readonly access: string;
	readonly account: string;
	/** When it is written (epoch ms). */
	readonly at: number;
	/** What stands there is worth something: it is kept beside the file. */
	readonly keepsOriginal?: boolean;
}

/** A program whose own login file can be kept in step. */
export interface StepProgram {
	readonly id: string;
	readonly label: string;
	/** The provider whose tokens it uses. */
	readonly provider: string;
	/** How a person logs it in by itself. */
	readonly ownLogin: string;
	/** Its folder, where none is named. */
	home(env: NodeJS.ProcessEnv): string;
	/** Its login file. */
	file(home: string): string;
	/** Why it would not read its file, as it is set up there. */
	hindrance(home: string): string | undefined;
	/** Whether it can use a token of this form. */
	takes(access: string): boolean;
	/** Throws `store_damaged`, system errors. */
	read(home: string): Promise<Standing>;
	/**
	 * Writes what `decide` makes of what stands there now, or nothing where it makes nothing. An original that
	 * is to be kept is kept first, without a refresh token that `isSpentHere`.
	 * @returns the file in which the original was kept, if there was one to keep
	 * @throws `store_damaged`, `store_changed`, `lock_timeout`, `lock_lost`, system errors, and whatever `decide`
	 * throws
	 */
	write(
		paths: StatePaths,
		home: string,
		decide: (standing: Standing) => StepLogin | undefined,
		isSpentHere: (refresh: string) => boolean,
	): Promise<string | undefined>;
}

/** All programs that can be kept in step. */
export const stepPrograms: readonly StepProgram[] = [codexProgram];
