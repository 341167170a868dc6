// The files that the dialog for choosing files offers. The service decides by their content.

export const ACCEPTED = ".pdf,.docx,.html,.htm,.md,.markdown,.txt,text/plain,text/markdown,text/html,application/pdf";
