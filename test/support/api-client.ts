/** How a program comes by an access token, each time that it needs one; it says which one was refused, if one was. */
export type TokenSource = (refused?: string) => Promise<string>;

/** A program that asks an API. */
export interface ApiClient {
	/** Asks once, and once more with the token that is had then if the first was refused: the last status. */
	ask(): Promise<number>;
}

/** One program, whatever its tokens come from. */
export function apiClient(api: string, tokens: TokenSource): ApiClient {
	const send = async (token: string) => {
		const response = await fetch(api, {method: 'POST', headers: {authorization: `Bearer ${token}`}});
		await response.arrayBuffer();
		return response.status;
	};
	return {
		async ask() {
			const token = await tokens();
			const status = await send(token);
			return status === 401 ? send(await tokens(token)) : status;
		},
	};
}
