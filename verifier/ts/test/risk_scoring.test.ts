import { testTable } from "./table.js";

testTable("risk_scoring");
