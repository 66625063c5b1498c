/** Type tokens that more than one reader of AWS refers to. */
export const vpcType = "aws:ec2/vpc:Vpc";
export const subnetType = "aws:ec2/subnet:Subnet";
export const interfaceType = "aws:ec2/networkInterface:NetworkInterface";
export const securityGroupType = "aws:ec2/securityGroup:SecurityGroup";
